import type { BlobInfo } from "#interface/blob.ts";

/** Reads a header of the request; undefined where there is none. */
export type HeaderReader = (name: string) => string | undefined;

/** The strong validator of a blob: equal content has an equal one. */
export function toEtag({ sha256 }: Pick<BlobInfo, "sha256">): string {
  return `"${sha256}"`;
}

/** When it was written, as HTTP says it, to the second. */
export function toLastModified({ modifiedAtMs }: Pick<BlobInfo, "modifiedAtMs">): string {
  return new Date(modifiedAtMs).toUTCString();
}

/**
 * What the conditions of a request to read make of it: `unchanged` when the caller has it already, `refused` when he wants
 * another than there is.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-13.2.2
 */
export function evaluateConditions(header: HeaderReader, info: BlobInfo): "unchanged" | "refused" | undefined {
  const match = header("if-match");
  if (match !== undefined) {
    if (!names(match, toEtag(info), "strong")) return "refused";
  } else if (isModifiedSince(header("if-unmodified-since"), info) === true) return "refused";
  const noneMatch = header("if-none-match");
  if (noneMatch !== undefined) return names(noneMatch, toEtag(info), "weak") ? "unchanged" : undefined;
  return isModifiedSince(header("if-modified-since"), info) === false ? "unchanged" : undefined;
}

/** True when a part may be sent: the caller has the rest of the same content, or does not say what he has. */
export function mayContinue(header: HeaderReader, info: BlobInfo): boolean {
  const condition = header("if-range");
  return condition === undefined || condition === toEtag(info) || condition === toLastModified(info);
}

/** True when a list of tags names this one. A weak tag never matches strongly. */
function names(list: string, etag: string, comparison: "strong" | "weak"): boolean {
  if (list.trim() === "*") return true;
  const tags = list.split(",").map((tag) => tag.trim());
  return tags.some((tag) => tag === etag || (comparison === "weak" && tag === `W/${etag}`));
}

/** Undefined where nothing is said, or no date. */
function isModifiedSince(date: string | undefined, { modifiedAtMs }: BlobInfo): boolean | undefined {
  const sinceMs = date === undefined ? Number.NaN : Date.parse(date);
  return Number.isNaN(sinceMs) ? undefined : Math.floor(modifiedAtMs / 1_000) * 1_000 > sinceMs;
}
