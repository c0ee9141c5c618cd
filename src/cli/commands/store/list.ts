import type { Command } from "#cli/command.ts";
import { formatBytesLine } from "#cli/output/format-bytes.ts";
import { printJson, printLine } from "#cli/output/print.ts";
import { pageFlags, pageOf, readKeys } from "./read-pages.ts";
import { scopeFlags, scopeOf } from "./store-scope.ts";

/** `micro store list`: keys, one a line. */
export const list: Command = {
  kind: "command",
  summary: "List keys",
  usage: "",
  details: "micro store list --prefix user/ --order desc --limit 10",
  flags: [
    ...scopeFlags,
    { name: "prefix", short: "p", kind: "string", placeholder: "TEXT", help: "keys that begin so" },
    { name: "suffix", short: "s", kind: "string", placeholder: "TEXT", help: "keys that end so" },
    ...pageFlags,
  ],
  wordCount: { min: 0, max: 0 },
  run: async (invocation) => {
    const { flags, session, isJson } = invocation;
    const keys = readKeys(session, {
      ...scopeOf(invocation),
      ...pageOf(flags),
      prefix: flags.text("prefix") ?? "",
      suffix: flags.text("suffix") ?? "",
    });
    if (isJson) return printJson(await Array.fromAsync(keys));
    const encoder = new TextEncoder();
    for await (const key of keys) printLine(formatBytesLine(encoder.encode(key)));
  },
};
