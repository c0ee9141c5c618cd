/**
 * A name for the one who publishes, for as long as its batches are numbered: unique, and greater than those made before,
 * so that a server that keeps them in order appends instead of searching.
 */
export function makePublisherId(): string {
  const start = Date.now().toString(36).padStart(9, "0");
  // 64 random bits: two publishers that start in the same millisecond get the same ones about never.
  const [high = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2));
  return start + (BigInt(high) * 2n ** 32n + BigInt(low)).toString(36).padStart(13, "0");
}
