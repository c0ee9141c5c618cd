import type { Command } from "#cli/command.ts";
import { printJson } from "#cli/output/print.ts";
import { fieldsOf, numberOf } from "#cli/service-answer.ts";
import { MicroError } from "#base/error.ts";

/** `micro config delete KEY`: silent, also where nothing is there. */
export const remove: Command = {
  kind: "command",
  summary: "Remove a key and all below it",
  usage: "KEY",
  details: "micro config delete mail.password",
  flags: [],
  wordCount: { min: 1, max: 1 },
  run: async ({ session, words: [path = ""], isJson }) => {
    const answer = await session
      .call("config", "Config.Delete", { namespace: session.namespace, path })
      .catch(acceptMissing);
    if (isJson) printJson({ revision: numberOf(fieldsOf(answer)["revision"]) });
  },
};

function acceptMissing(reason: unknown): unknown {
  if (MicroError.is(reason) && reason.code === "not_found") return {};
  throw reason;
}
