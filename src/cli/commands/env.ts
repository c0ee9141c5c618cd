import type { Command, CommandGroup } from "#cli/command.ts";
import { parseServerUrl } from "#cli/connection/server-url.ts";
import { formatTable } from "#cli/output/format-table.ts";
import { printJson, printLine, printLines } from "#cli/output/print.ts";

const list: Command = {
  kind: "command",
  summary: "List environments",
  usage: "",
  flags: [],
  run: async ({ session, isJson }) => {
    const { environments } = session;
    const current = environments.current();
    const all = environments.all();
    if (isJson) {
      printJson(all.map((each) => ({ ...each, is_current: each.name === current })));
      return;
    }
    const rows = all.map(({ name, address, description }) => [
      name === current ? `* ${name}` : `  ${name}`,
      address,
      description,
    ]);
    printLines(formatTable(rows));
  },
};

const get: Command = {
  kind: "command",
  summary: "Print the name of the current environment",
  usage: "",
  flags: [],
  run: async ({ session, isJson }) => {
    const name = session.environment.name;
    if (isJson) printJson(session.environment);
    else printLine(name);
  },
};

const set: Command = {
  kind: "command",
  summary: "Choose the current environment",
  usage: "NAME",
  flags: [],
  wordCount: { min: 1, max: 1 },
  run: ({ session, words: [name = ""] }) => session.environments.select(name),
};

const add: Command = {
  kind: "command",
  summary: "Add an environment, or give it another address",
  usage: "NAME [HOST:PORT]",
  flags: [],
  wordCount: { min: 1, max: 2 },
  run: async ({ session, words: [name = "", address = ""] }) => {
    if (address !== "") parseServerUrl(address);
    await session.environments.add({ name, address, description: "" });
  },
};

const remove: Command = {
  kind: "command",
  summary: "Remove an environment",
  usage: "NAME",
  flags: [],
  wordCount: { min: 1, max: 1 },
  run: ({ session, words: [name = ""] }) => session.environments.remove(name),
};

/** `micro env …`: the servers that the command line talks to. */
export const command: CommandGroup = {
  kind: "group",
  summary: "Get and set environments",
  alone: list,
  children: { list, get, set, add, del: remove, delete: remove },
};
