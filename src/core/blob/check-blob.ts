import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import { requireName } from "#base/name.ts";
import type { BlobListQuery, BlobRange, BlobScope } from "#interface/blob.ts";

const encoder = new TextEncoder();

/** `type/subtype` and parameters, in printable ASCII. https://www.rfc-editor.org/rfc/rfc9110#section-8.3.1 */
const mediaType = /^[\w!#$%&'*+.^`|~-]+\/[\w!#$%&'*+.^`|~-]+(?:\s*;[\t\u0020-\u007e]*)?$/;

/**
 * The scope itself. Any text is a key: it never becomes a part of a path.
 *
 * @throws MicroError `invalid_argument` for a bad namespace, an empty or a broken key, `payload_too_large` for a long one.
 */
export function checkBlobScope(scope: BlobScope): BlobScope {
  requireName("namespace", scope.namespace);
  const { key } = scope;
  if (key === "") throw new MicroError("invalid_argument", "Missing key");
  // Half a surrogate pair has no UTF-8: two such keys would become the same one.
  if (!key.isWellFormed()) throw new MicroError("invalid_argument", "a blob's key must be well-formed Unicode text");
  const { length } = encoder.encode(key);
  if (length <= limits.blobKeyBytesMax) return scope;
  const detail = `a blob's key is at most ${limits.blobKeyBytesMax} bytes, this has ${length}`;
  throw new MicroError("payload_too_large", detail);
}

/** The media type itself; empty says none. @throws MicroError `invalid_argument` for text that is no media type. */
export function checkContentType(contentType: string): string {
  if (contentType === "") return contentType;
  if (contentType.length <= limits.blobContentTypeLengthMax && mediaType.test(contentType)) return contentType;
  const shown = JSON.stringify(contentType.slice(0, 60));
  throw new MicroError("invalid_argument", `${shown} is not a content type; write one such as image/png`);
}

/** Which bytes of a blob a range means. @throws MicroError `invalid_argument` for one that begins behind the end. */
export function checkBlobRange(range: BlobRange, sizeBytes: number): { readonly from: number; readonly to: number } {
  const from = requireCount("offset", range.offset ?? 0);
  const length = requireCount("length", range.length ?? sizeBytes);
  if (from <= sizeBytes) return { from, to: Math.min(sizeBytes, from + length) };
  throw new MicroError("invalid_argument", `the blob has ${sizeBytes} bytes, so it cannot be read from ${from} on`);
}

/** A query with its defaults filled in. @throws MicroError `invalid_argument` for broken text or a broken number. */
export function checkBlobQuery({ prefix = "", after = "", limit = 0 }: BlobListQuery = {}): Required<BlobListQuery> {
  requireCount("limit", limit);
  if (prefix.isWellFormed() && after.isWellFormed()) return { prefix, after, limit };
  throw new MicroError("invalid_argument", "prefix and after must be well-formed Unicode text");
}

function requireCount(what: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new MicroError("invalid_argument", `${what} must be a whole number from 0 up, not ${value}`);
}
