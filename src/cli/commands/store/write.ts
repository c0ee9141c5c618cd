import { CommandError } from "#cli/command-error.ts";
import type { Command } from "#cli/command.ts";
import { readPairs } from "#cli/arguments/read-pairs.ts";
import { fromFileFlag, readInputValue } from "#cli/input-value.ts";
import { printJson } from "#cli/output/print.ts";
import { fieldsOf, numberOf } from "#cli/service-answer.ts";
import { writeRecord, type MetadataField } from "./store-record.ts";
import { scopeFlags, scopeOf } from "./store-scope.ts";

/** `micro store write KEY VALUE…`: silent. */
export const write: Command = {
  kind: "command",
  summary: "Write a record",
  usage: "KEY VALUE…",
  details:
    "micro store write greeting hello world\nmicro store write session/1 --expiry 10m --from-file session.bin\n\n" +
    "Several words are joined by blanks; - takes standard input, byte for byte.",
  flags: [
    ...scopeFlags,
    { name: "expiry", kind: "string", placeholder: "10m", help: "how long it lives; default for ever" },
    { name: "metadata", kind: "list", placeholder: "KEY=VALUE", help: "kept beside the value" },
    {
      name: "expected-revision",
      kind: "string",
      placeholder: "N",
      help: "only if the record is still at this revision; 0: only if there is none",
    },
    fromFileFlag,
  ],
  wordCount: { min: 1, max: Infinity },
  run: async (invocation) => {
    const { flags, session, isJson } = invocation;
    const [key = "", ...words] = invocation.words;
    const expected = flags.count("expected-revision");
    const record = {
      key,
      value: await readInputValue(words, flags, "micro store write KEY VALUE…"),
      metadata: Object.fromEntries(Object.entries(readPairs(flags, "metadata")).map(toField)),
      expiryMs: requireLife(flags.durationMs("expiry")),
    };
    const answer = await session.call("store", "Store.Write", {
      record: writeRecord(record),
      options: scopeOf(invocation),
      ...(expected === undefined ? {} : { expected_revision: expected }),
    });
    if (isJson) printJson({ revision: numberOf(fieldsOf(answer)["revision"]) });
  },
};

/** A life of nothing would mean for ever. */
function requireLife(expiryMs: number | undefined): number | undefined {
  if (expiryMs !== 0) return expiryMs;
  throw new CommandError('Invalid value "0s" for flag -expiry: leave it out for a record that stays');
}

function toField([name, value]: readonly [string, string]): readonly [string, MetadataField] {
  return [name, { type: "string", value }];
}
