/**
 * Ids that the log makes: the topic's prefix, which nobody can guess before the topic exists, and the place. They are the
 * same in every read and cost no index.
 */
export function makeId(idPrefix: string, sequence: number): string {
  return `${idPrefix}-${sequence}`;
}

/** The place in an id that has the form of those that the log makes for a topic; undefined for any other id. */
export function parseId(idPrefix: string, id: string): number | undefined {
  if (!id.startsWith(`${idPrefix}-`)) return undefined;
  const digits = id.slice(idPrefix.length + 1);
  return /^[1-9][0-9]{0,14}$/.test(digits) ? Number(digits) : undefined;
}

/** 64 random bits, as text. */
export function makeIdPrefix(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(8))).toString("hex");
}
