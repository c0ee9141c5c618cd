import { MicroError } from "#base/error.ts";
import type { Revision, Value } from "#gen/config/config_pb.ts";
import type { ConfigRevision, ConfigState } from "#interface/config.ts";

/** What an answer says of a path; `null` is how the wire says that nothing is there. */
export function toState({
  value,
  revision,
}: {
  readonly value?: Value | undefined;
  readonly revision: bigint;
}): ConfigState {
  const data = value?.data ?? "null";
  return { json: data === "null" ? undefined : data, revision: Number(revision) };
}

/** One change from the wire, which has seconds. */
export function fromWireRevision(entry: Revision): ConfigRevision {
  const { revision, path, value, timestamp, account, rolledBackTo } = entry;
  return {
    revision: Number(revision),
    path,
    json: value?.data,
    timestampMs: Number(timestamp) * 1_000,
    account,
    ...(rolledBackTo === 0n ? {} : { rolledBackTo: Number(rolledBackTo) }),
  };
}

/** @throws MicroError `invalid_argument` for anything but a whole number from 0 up. */
export function toCondition({ expectedRevision }: { readonly expectedRevision?: number }): {
  readonly expectedRevision?: bigint;
} {
  return expectedRevision === undefined ? {} : { expectedRevision: toCount("expectedRevision", expectedRevision) };
}

/** @throws MicroError `invalid_argument` for anything but a whole number from 0 up. */
export function toCount(what: string, value: number): bigint {
  if (Number.isSafeInteger(value) && value >= 0) return BigInt(value);
  throw new MicroError("invalid_argument", `${what} must be a whole number from 0 up, not ${value}`);
}

/** The server tells by 404 that a namespace has no document at all. @throws every other failure. */
export function acceptMissing<T>(reason: unknown, instead: T): T {
  if (MicroError.is(reason) && reason.code === "not_found" && reason.detail === "Not found") return instead;
  throw reason;
}
