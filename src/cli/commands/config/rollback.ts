import { CommandError } from "#cli/command-error.ts";
import type { Command } from "#cli/command.ts";
import { printJson, printNote } from "#cli/output/print.ts";
import { fieldsOf, numberOf } from "#cli/service-answer.ts";

/** `micro config rollback REVISION`. */
export const rollback: Command = {
  kind: "command",
  summary: "Bring back an earlier revision, as a new one",
  usage: "REVISION",
  details: "micro config rollback 12\n\nRevisions are listed by micro config history.",
  flags: [],
  wordCount: { min: 1, max: 1 },
  run: async ({ session, words: [text = ""], isJson }) => {
    if (!/^\d{1,15}$/.test(text)) throw new CommandError(`"${text}" is not a revision: see "micro config history"`);
    const body = { namespace: session.namespace, revision: Number(text) };
    const revision = numberOf(fieldsOf(await session.call("config", "Config.Rollback", body))["revision"]);
    if (isJson) printJson({ revision });
    else printNote(`the configuration is as it was at revision ${text}; this is revision ${revision}`);
  },
};
