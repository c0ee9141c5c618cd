import { CommandError } from "#cli/command-error.ts";
import type { FlagSpec } from "#cli/arguments/flag-spec.ts";
import type { FlagValues } from "#cli/arguments/flag-values.ts";
import type { Session } from "#cli/connection/session.ts";
import { fieldsOf, listOf } from "#cli/service-answer.ts";
import { oneMessage } from "#cli/standard-input.ts";
import { MicroError } from "#base/error.ts";
import type { RecordScope } from "./store-scope.ts";
import { readRecord, type StoredRecord } from "./store-record.ts";

/** Flags of commands that show many records. */
export const pageFlags: readonly FlagSpec[] = [
  { name: "limit", short: "l", kind: "string", placeholder: "N", help: "at most N" },
  { name: "offset", kind: "string", placeholder: "N", help: "skip N" },
  { name: "order", kind: "string", placeholder: "asc|desc", help: "by key, default asc" },
];

/** Which records, of those that match. */
export interface Page {
  /** Infinity for all. */
  readonly limit: number;
  readonly offset: number;
  readonly order: string;
}

/** @throws CommandError for a flag that is neither a number nor an order. */
export function pageOf(flags: FlagValues): Page {
  return {
    // As in Micro, 0 is no limit.
    limit: flags.count("limit") || Infinity,
    offset: flags.count("offset") ?? 0,
    order: flags.choice("order", ["asc", "desc"]) ?? "asc",
  };
}

/** Records asked for at once: few enough that large ones seldom need more than one attempt. */
const recordCount = 256;
/** Keys asked for at once. */
const keyCount = 10_000;

/** The records whose keys begin or end with `key`, page after page. */
export async function* readRecords(
  session: Session,
  query: RecordScope & { readonly key: string; readonly prefix: boolean; readonly suffix: boolean } & Page,
): AsyncGenerator<StoredRecord> {
  const { key, limit, ...options } = query;
  let { offset } = query;
  let left = limit;
  let after = "";
  let countMax = recordCount;
  while (left > 0) {
    const count = Math.min(left, countMax);
    const body = { key, options: { ...options, limit: count, offset, ...(after === "" ? {} : { after }) } };
    const answer = await session.call("store", "Store.Read", body).catch((reason: unknown) => {
      if (count === 1 || !MicroError.is(reason) || reason.code !== "payload_too_large") throw reason;
      return undefined;
    });
    if (answer === undefined) {
      // So many do not fit one message.
      countMax = Math.ceil(count / 4);
      continue;
    }
    const records = listOf(fieldsOf(answer)["records"]).map(readRecord);
    yield* records;
    const last = records.at(-1);
    if (last === undefined || records.length < count) return;
    left -= records.length;
    after = last.key;
    offset = 0;
  }
}

/** The keys that begin with `prefix` and end with `suffix`, page after page. */
export async function* readKeys(
  session: Session,
  query: RecordScope & { readonly prefix: string; readonly suffix: string } & Page,
): AsyncGenerator<string> {
  let left = query.limit;
  let after = "";
  let { offset } = query;
  while (left > 0) {
    const count = Math.min(left, keyCount);
    const options = { ...query, limit: count, offset, ...(after === "" ? {} : { after }) };
    let got = 0;
    const target = { service: "store", endpoint: "Store.List" };
    for await (const answer of session.stream(target, oneMessage(JSON.stringify({ options })))) {
      const keys = fieldsOf(answer)["keys"];
      if (keys !== undefined && !Array.isArray(keys))
        throw new CommandError("The server answered with no list of keys");
      for (const key of keys ?? []) {
        after = String(key);
        got += 1;
        yield after;
      }
    }
    if (got < count) return;
    left -= got;
    offset = 0;
  }
}
