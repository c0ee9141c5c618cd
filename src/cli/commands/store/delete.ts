import type { Command } from "#cli/command.ts";
import { printNote } from "#cli/output/print.ts";
import { MicroError } from "#base/error.ts";
import { scopeFlags, scopeOf } from "./store-scope.ts";

/** `micro store delete KEY`: silent, also where there is no such record. */
export const remove: Command = {
  kind: "command",
  summary: "Remove a record",
  usage: "KEY",
  details: "micro store delete greeting --verbose",
  flags: [
    ...scopeFlags,
    {
      name: "expected-revision",
      kind: "string",
      placeholder: "N",
      help: "only if the record is still at this revision",
    },
    { name: "verbose", short: "v", kind: "bool", help: "say whether there was one" },
  ],
  wordCount: { min: 1, max: 1 },
  run: async (invocation) => {
    const { flags, session, words } = invocation;
    const [key = ""] = words;
    const options = scopeOf(invocation);
    const expected = flags.count("expected-revision");
    const isThere = flags.isOn("verbose") ? await exists(session.call("store", "Store.Read", { key, options })) : true;
    await session.call("store", "Store.Delete", {
      key,
      options,
      ...(expected === undefined ? {} : { expected_revision: expected }),
    });
    if (flags.isOn("verbose")) printNote(isThere ? `${key} is removed` : `${key} was not there`);
  },
};

async function exists(reading: Promise<unknown>): Promise<boolean> {
  try {
    await reading;
    return true;
  } catch (reason) {
    if (MicroError.is(reason) && reason.code === "not_found") return false;
    throw reason;
  }
}
