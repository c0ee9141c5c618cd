/**
 * Makes ids of events: unique among all publishers, and growing with each call, so that a server that keeps them in
 * order appends instead of searching.
 */
export function createEventIds(): () => string {
  const start = Date.now().toString(36).padStart(9, "0");
  // 64 random bits: two publishers that start in the same millisecond get the same ones about never.
  const [high = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2));
  const publisher = (BigInt(high) * 2n ** 32n + BigInt(low)).toString(36).padStart(13, "0");
  // From a number of eight digits on, so that all ids have the same length and none needs to be padded.
  let count = 36 ** 7;
  return () => {
    count += 1;
    return `${start}${publisher}${count.toString(36)}`;
  };
}
