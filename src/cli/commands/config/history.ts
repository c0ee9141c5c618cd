import type { Command } from "#cli/command.ts";
import { formatTable } from "#cli/output/format-table.ts";
import { listText, objectText } from "#cli/output/json-text.ts";
import { printLine, printLines } from "#cli/output/print.ts";
import { fieldsOf, listOf, numberOf, textOf, type Fields } from "#cli/service-answer.ts";
import { formatValue, valueIn } from "./config-value.ts";

/** `micro config history [KEY]`: who changed what, newest first. */
export const history: Command = {
  kind: "command",
  summary: "Show who changed what, newest first",
  usage: "[KEY]",
  details:
    "micro config history mail -n 5\n\nSecrets are masked. A revision can be brought back with micro config rollback.",
  flags: [{ name: "limit", short: "n", kind: "string", placeholder: "N", help: "at most N changes, default 100" }],
  wordCount: { min: 0, max: 1 },
  run: async ({ session, words: [path = ""], flags, isJson }) => {
    const body = { namespace: session.namespace, path, limit: flags.count("limit") ?? 0 };
    const revisions = listOf(fieldsOf(await session.call("config", "Config.History", body))["revisions"]);
    if (isJson) printLine(listText(revisions.map(toJson)));
    else if (revisions.length > 0) printLines(formatTable([header, ...revisions.map(toRow)]));
  },
};

const header = ["REVISION", "CHANGED", "ACCOUNT", "KEY", "VALUE"];

function toRow(revision: Fields): readonly string[] {
  return [
    String(numberOf(revision["revision"])),
    changedAt(revision),
    textOf(revision["account"]),
    textOf(revision["path"]) || "-",
    describe(revision),
  ];
}

function describe(revision: Fields): string {
  const rolledBackTo = numberOf(revision["rolled_back_to"]);
  if (rolledBackTo > 0) return `back to revision ${rolledBackTo}`;
  const json = valueIn(revision);
  return json === undefined ? "deleted" : formatValue(json);
}

function toJson(revision: Fields): string {
  const rolledBackTo = numberOf(revision["rolled_back_to"]);
  return objectText({
    revision: String(numberOf(revision["revision"])),
    changed: JSON.stringify(changedAt(revision)),
    account: JSON.stringify(textOf(revision["account"])),
    key: JSON.stringify(textOf(revision["path"])),
    value: valueIn(revision) ?? "null",
    ...(rolledBackTo > 0 ? { rolled_back_to: String(rolledBackTo) } : {}),
  });
}

function changedAt(revision: Fields): string {
  return new Date(numberOf(revision["timestamp"]) * 1_000).toISOString();
}
