import { CommandError } from "#cli/command-error.ts";
import type { Command } from "#cli/command.ts";
import { formatBytes, formatBytesLine } from "#cli/output/format-bytes.ts";
import { formatTable } from "#cli/output/format-table.ts";
import { printBytes, printJson, printLine, printLines } from "#cli/output/print.ts";
import { fieldsOf, listOf } from "#cli/service-answer.ts";
import { MicroError } from "#base/error.ts";
import { formatExpiry } from "./format-expiry.ts";
import { pageFlags, pageOf, readRecords } from "./read-pages.ts";
import { readRecord, type StoredRecord } from "./store-record.ts";
import { scopeFlags, scopeOf } from "./store-scope.ts";

/** `micro store read KEY`. */
export const read: Command = {
  kind: "command",
  summary: "Print the value of a record, or of all that match",
  usage: "KEY",
  details:
    "micro store read greeting\nmicro store read --prefix user/ --limit 10 --verbose\n\n" +
    "Values that are no text are shown in hexadecimal; --raw gives their bytes, --output json base64.",
  flags: [
    ...scopeFlags,
    { name: "prefix", short: "p", kind: "bool", help: "all records whose key begins with KEY" },
    { name: "suffix", short: "s", kind: "bool", help: "all records whose key ends with KEY" },
    ...pageFlags,
    { name: "verbose", short: "v", kind: "bool", help: "show key, value and expiry" },
    { name: "raw", kind: "bool", help: "write values byte for byte, with nothing between them" },
  ],
  wordCount: { min: 0, max: 1 },
  run: async (invocation) => {
    const { flags, session, words } = invocation;
    const query = { ...scopeOf(invocation), prefix: flags.isOn("prefix"), suffix: flags.isOn("suffix") };
    const key = words[0] ?? "";
    const isMany = query.prefix || query.suffix;
    if (words.length === 0 && !isMany) throw new CommandError("Missing argument; usage: micro store read KEY");
    if (isMany) return showMany(readRecords(session, { ...query, ...pageOf(flags), key }), invocation);
    const answer = await session.call("store", "Store.Read", { key, options: query }).catch(refuseMissing);
    return showMany(listOf(fieldsOf(answer)["records"]).map(readRecord), invocation);
  },
};

async function showMany(
  records: AsyncIterable<StoredRecord> | Iterable<StoredRecord>,
  { flags, isJson }: { readonly flags: { isOn(name: string): boolean }; readonly isJson: boolean },
): Promise<void> {
  const isTable = flags.isOn("verbose");
  if (isJson) return printJson((await Array.fromAsync(records)).map(toJson));
  if (isTable) return printLines(formatTable([header, ...(await Array.fromAsync(records)).map(toRow)]));
  for await (const { value } of records) {
    if (flags.isOn("raw")) printBytes(value);
    else printLine(formatBytes(value));
  }
}

const header = ["KEY", "VALUE", "EXPIRY"];

function toRow({ key, value, expiryMs }: StoredRecord): readonly string[] {
  return [key, formatBytesLine(value), formatExpiry(expiryMs)];
}

/** As Micro writes it: the value in base64, the remaining life in nanoseconds. */
function toJson({ key, value, metadata, expiryMs, revision }: StoredRecord): object {
  return {
    key,
    value: Buffer.from(value).toString("base64"),
    metadata: Object.fromEntries(Object.entries(metadata).map(([name, field]) => [name, field.value])),
    ...(expiryMs === undefined ? {} : { expiry: expiryMs * 1_000_000 }),
    revision,
  };
}

/** A missing record is a plain failure of this command, on the stream of every other. */
function refuseMissing(reason: unknown): never {
  if (!MicroError.is(reason) || reason.code !== "not_found") throw reason;
  throw new CommandError("Not found", { code: "not_found", cause: reason });
}
