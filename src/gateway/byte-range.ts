/** One part of a body: its first and its last byte. */
export interface ByteRange {
  readonly first: number;
  readonly last: number;
}

/**
 * What a `range` header asks of a body of `sizeBytes`: one part; `unsatisfiable` for one behind the end; undefined for the
 * whole, which is also the answer to several parts at once and to what is no range.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-14.2
 */
export function parseByteRange(header: string, sizeBytes: number): ByteRange | "unsatisfiable" | undefined {
  const [, from = "", to = ""] = /^bytes=[\t ]*(\d*)-(\d*)[\t ]*$/i.exec(header) ?? [];
  if (from === "" && to === "") return undefined;
  if (from === "") return lastBytes(Number(to), sizeBytes);
  const first = Number(from);
  const last = to === "" ? Number.POSITIVE_INFINITY : Number(to);
  if (last < first) return undefined;
  if (first >= sizeBytes) return "unsatisfiable";
  return { first, last: Math.min(last, sizeBytes - 1) };
}

/** The end of an empty body is all of it, which has no first byte to name. */
function lastBytes(count: number, sizeBytes: number): ReturnType<typeof parseByteRange> {
  if (count === 0) return "unsatisfiable";
  if (sizeBytes === 0) return undefined;
  return { first: Math.max(0, sizeBytes - count), last: sizeBytes - 1 };
}
