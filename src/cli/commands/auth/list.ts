import type { Command, CommandGroup } from "#cli/command.ts";
import { fieldsOf, listOf, numberOf, textMapOf, textOf, type Fields } from "#cli/service-answer.ts";
import { formatTable } from "#cli/output/format-table.ts";
import { printJson, printLines } from "#cli/output/print.ts";
import { formatResource } from "./resource.ts";

const accounts: Command = {
  kind: "command",
  summary: "List accounts",
  usage: "",
  flags: [],
  wordCount: { min: 0, max: 0 },
  run: async ({ session, isJson }) => {
    const body = { options: { namespace: session.namespace } };
    const all = listOf(fieldsOf(await session.call("auth", "Accounts.List", body))["accounts"]);
    // An answer never holds a secret, but its field is there.
    if (isJson) printJson(all.map(withoutSecret));
    else printLines(formatTable([["ID", "Name", "Scopes", "Metadata"], ...all.map(toAccountRow)]));
  },
};

const rules: Command = {
  kind: "command",
  summary: "List rules",
  usage: "",
  details: "The one with the highest priority decides, among equals the one with the lower id: so they are ordered.",
  flags: [],
  wordCount: { min: 0, max: 0 },
  run: async ({ session, isJson }) => {
    const body = { options: { namespace: session.namespace } };
    const found = listOf(fieldsOf(await session.call("auth", "Rules.List", body))["rules"]);
    const all = found.toSorted((left, right) => numberOf(right["priority"]) - numberOf(left["priority"]));
    if (isJson) printJson(all);
    else printLines(formatTable([["ID", "Scope", "Access", "Resource", "Priority"], ...all.map(toRuleRow)]));
  },
};

/** `micro auth list accounts|rules`. */
export const list: CommandGroup = {
  kind: "group",
  summary: "List accounts or rules",
  children: { accounts, rules },
  unknownChildExitCode: 3,
};

function withoutSecret(account: Fields): Fields {
  return Object.fromEntries(Object.entries(account).filter(([key]) => key !== "secret"));
}

function toAccountRow(account: Fields): readonly string[] {
  const scopes = account["scopes"];
  const metadata = Object.entries(textMapOf(account["metadata"])).map(([key, value]) => `${key}=${value}`);
  return [
    textOf(account["id"]),
    textOf(account["name"]),
    (Array.isArray(scopes) ? scopes.join(", ") : "") || "n/a",
    metadata.join(" ") || "n/a",
  ];
}

function toRuleRow(rule: Fields): readonly string[] {
  return [
    textOf(rule["id"]),
    textOf(rule["scope"]) || "<public>",
    textOf(rule["access"]),
    formatResource(fieldsOf(rule["resource"])),
    String(numberOf(rule["priority"])),
  ];
}
