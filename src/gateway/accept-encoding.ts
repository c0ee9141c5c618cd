/** Compressions of answers, the best first: zstd makes JSON smaller than gzip in less time; Brotli takes several times as long. */
export const answerEncodings = ["zstd", "gzip"] as const;
export type AnswerEncoding = (typeof answerEncodings)[number];

/**
 * The compression that a caller likes best, of those that we speak; undefined for none.
 *
 * @param header `accept-encoding`
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-12.5.3
 */
export function chooseEncoding(header: string | undefined): AnswerEncoding | undefined {
  if (header === undefined || header === "identity") return undefined;
  const weights = new Map<string, number>();
  for (const part of header.split(",")) {
    const [name = "", ...parameters] = part.split(";").map((each) => each.trim().toLowerCase());
    const given = parameters.find((each) => each.startsWith("q="));
    const weight = given === undefined ? 1 : Number(given.slice(2));
    if (name !== "" && weight >= 0 && weight <= 1) weights.set(name, weight);
  }
  let best: AnswerEncoding | undefined;
  let bestWeight = 0;
  for (const encoding of answerEncodings) {
    const weight =
      weights.get(encoding) ?? (encoding === "gzip" ? weights.get("x-gzip") : undefined) ?? weights.get("*");
    if (weight === undefined || weight <= bestWeight) continue;
    best = encoding;
    bestWeight = weight;
  }
  return best;
}
