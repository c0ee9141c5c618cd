import { CommandError } from "#cli/command-error.ts";
import type { Command } from "#cli/command.ts";
import { fieldsOf, listOf } from "#cli/service-answer.ts";
import { printLine } from "#cli/output/print.ts";
import { parseResource } from "./resource.ts";

/** `micro auth create rule ID`. */
export const createRule: Command = {
  kind: "command",
  summary: "Make a rule",
  usage: "ID",
  details:
    "micro auth create rule readers --scope reader --resource stream:orders:consume --access granted\n\n" +
    "Without --scope it speaks about everybody, * is every account of the namespace, + every account at all. * stands for\n" +
    "every type, name or endpoint. Types: service, topic, stream, config, store, blob.",
  flags: [
    { name: "scope", kind: "string", placeholder: "SCOPE", help: "whom it is about, default everybody" },
    { name: "resource", kind: "string", placeholder: "TYPE:NAME:ENDPOINT", help: "what it is about" },
    { name: "access", kind: "string", placeholder: "granted|denied", help: "what it does, default granted" },
    { name: "priority", kind: "string", placeholder: "N", help: "higher decides first, default 0" },
  ],
  wordCount: { min: 1, max: 1 },
  run: async ({ session, words: [id], flags }) => {
    const resource = parseResource(flags.text("resource") ?? "");
    const access = flags.text("access") ?? "granted";
    if (access !== "granted" && access !== "denied") {
      throw new CommandError(`Invalid access: ${access}, must be granted or denied`);
    }
    const priority = parsePriority(flags.text("priority") ?? "0");
    const rule = { id, scope: flags.text("scope") ?? "", resource, access: access.toUpperCase(), priority };
    await session.call("auth", "Rules.Create", { rule, options: { namespace: session.namespace } });
    printLine("Rule created");
  },
};

/** `micro auth delete rule ID`: also for one that is not there. */
export const deleteRule: Command = {
  kind: "command",
  summary: "Remove a rule",
  usage: "ID",
  details: "A rule that is not there is no error; -v says so.",
  flags: [{ name: "verbose", short: "v", kind: "bool", help: "say when there was no such rule" }],
  wordCount: { min: 1, max: 1 },
  run: async ({ session, words: [id], flags }) => {
    const body = { options: { namespace: session.namespace } };
    const isMissing =
      flags.isOn("verbose") &&
      listOf(fieldsOf(await session.call("auth", "Rules.List", body))["rules"]).every((rule) => rule["id"] !== id);
    await session.call("auth", "Rules.Delete", { id, ...body });
    printLine(isMissing ? `There was no rule ${id}` : "Rule deleted");
  },
};

function parsePriority(text: string): number {
  if (/^-?\d{1,10}$/.test(text)) return Number(text);
  throw new CommandError(`Invalid priority: ${text}, must be a whole number`);
}
