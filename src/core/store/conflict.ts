import { MicroError } from "#base/error.ts";

/** The refusal of a batch whose expected revision does not hold. A revision of 0 means that there is no such record. */
export function createConflict(key: string, expectedRevision: number, revision: number): MicroError {
  if (expectedRevision === 0) return new MicroError("conflict", `record "${key}" exists already`);
  const found = revision === 0 ? "does not exist" : `has revision ${revision}`;
  return new MicroError("conflict", `record "${key}" ${found}, expected revision ${expectedRevision}`);
}
