import type { Metadata } from "#base/metadata.ts";

/** Headers as Node's protocols give them: lower-case names, several values of one name as a list. */
export type HeaderRecord = Readonly<Record<string, string | readonly string[] | undefined>>;

/** One header; several values are joined with ", ". */
export function readHeader(headers: HeaderRecord, name: string): string | undefined {
  const value = headers[name];
  return value === undefined || typeof value === "string" ? value : value.join(", ");
}

/**
 * Headers as Bun gives them all at once. The one name that comes as a list, which no request should have, is joined: a
 * list that passes for a text has another length than what is written of it.
 */
export function joinListed(
  headers: Record<string, string> & { readonly "set-cookie"?: readonly string[] },
): Record<string, string> {
  const { "set-cookie": cookies } = headers;
  return cookies === undefined ? headers : { ...headers, "set-cookie": cookies.join(", ") };
}

/** All headers but the pseudo headers of HTTP/2 (":path"). */
export function toMetadata(headers: HeaderRecord): Metadata {
  const metadata: Record<string, string> = {};
  for (const name of Object.keys(headers)) {
    const value = name.startsWith(":") ? undefined : readHeader(headers, name);
    if (value !== undefined) metadata[name] = value;
  }
  return metadata;
}
