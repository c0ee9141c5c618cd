import type { Command } from "#cli/command.ts";
import { fieldsOf, listOf, numberOf, textOf, type Fields } from "#cli/service-answer.ts";
import { formatTable } from "#cli/output/format-table.ts";
import { printJson, printLines } from "#cli/output/print.ts";

/** `micro auth audit`: what was refused and changed, oldest first. */
export const audit: Command = {
  kind: "command",
  summary: "Show what was refused and who changed what",
  usage: "",
  details: "micro auth audit --since 1h --account jane",
  flags: [
    { name: "lines", short: "n", kind: "string", placeholder: "N", help: "only the last N, default 100" },
    { name: "since", kind: "string", placeholder: "10m", help: "only what happened in this time" },
    { name: "account", kind: "string", placeholder: "ID", help: "only what it did or what was done to it" },
  ],
  wordCount: { min: 0, max: 0 },
  run: async ({ session, flags, isJson }) => {
    const sinceMs = flags.durationMs("since");
    const body = {
      limit: flags.count("lines") ?? 0,
      since: sinceMs === undefined ? 0 : Math.floor((Date.now() - sinceMs) / 1_000),
      account: flags.text("account") ?? "",
      options: { namespace: session.namespace },
    };
    const entries = listOf(fieldsOf(await session.call("auth", "Audit.Read", body))["entries"]).toReversed();
    if (isJson) printJson(entries.map(toJson));
    else if (entries.length > 0) printLines(formatTable([header, ...entries.map(toRow)]));
  },
};

const header = ["Time", "Action", "Account", "Subject", "From", "Times", "Detail"];

function toRow(entry: Fields): readonly string[] {
  return [
    new Date(numberOf(entry["last_ms"])).toISOString(),
    textOf(entry["action"]),
    toAccount(entry) || "n/a",
    textOf(entry["subject"]) || "n/a",
    textOf(entry["address"]) || "n/a",
    String(numberOf(entry["count"])),
    textOf(entry["detail"]),
  ];
}

function toAccount(entry: Fields): string {
  const [id, namespace] = [textOf(entry["account"]), textOf(entry["account_namespace"])];
  return id === "" ? "" : `${namespace}/${id}`;
}

function toJson(entry: Fields): object {
  return {
    first: new Date(numberOf(entry["first_ms"])).toISOString(),
    last: new Date(numberOf(entry["last_ms"])).toISOString(),
    count: numberOf(entry["count"]),
    action: textOf(entry["action"]),
    account: toAccount(entry) || null,
    subject: textOf(entry["subject"]),
    address: textOf(entry["address"]),
    detail: textOf(entry["detail"]),
  };
}
