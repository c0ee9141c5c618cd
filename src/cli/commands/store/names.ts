import type { Command } from "#cli/command.ts";
import type { Session } from "#cli/connection/session.ts";
import { printJson, printLines } from "#cli/output/print.ts";
import { fieldsOf } from "#cli/service-answer.ts";
import { scopeFlags } from "./store-scope.ts";

/** `micro store databases`. */
export const databases: Command = {
  kind: "command",
  summary: "List databases",
  usage: "",
  details: "For administrators of the installation.",
  flags: [],
  wordCount: { min: 0, max: 0 },
  run: async ({ session, isJson }) => print(await readDatabases(session), isJson),
};

/** `micro store tables`. */
export const tables: Command = {
  kind: "command",
  summary: "List the tables of a database",
  usage: "",
  details: "micro store tables --database micro",
  flags: scopeFlags.filter(({ name }) => name === "database"),
  wordCount: { min: 0, max: 0 },
  run: async ({ session, flags, isJson }) =>
    print(await readTables(session, flags.text("database") ?? session.namespace), isJson),
};

export async function readDatabases(session: Session): Promise<readonly string[]> {
  return namesIn(fieldsOf(await session.call("store", "Store.Databases", {}))["databases"]);
}

export async function readTables(session: Session, database: string): Promise<readonly string[]> {
  return namesIn(fieldsOf(await session.call("store", "Store.Tables", { database }))["tables"]);
}

function namesIn(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

function print(names: readonly string[], isJson: boolean): void {
  if (isJson) printJson(names);
  else printLines(names);
}
