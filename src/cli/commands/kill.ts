import type { Command } from "#cli/command.ts";
import { parseServiceReference } from "#cli/service-name.ts";
import { printJson } from "#cli/output/print.ts";

/** `micro kill NAME…`. Prints nothing when it went well. */
export const command: Command = {
  kind: "command",
  summary: "Stop services and forget them",
  usage: "NAME[@VERSION]…",
  flags: [],
  wordCount: { min: 1, max: Infinity },
  run: async ({ session, words, isJson }) => {
    const references = words.map(parseServiceReference);
    for (const { name, version } of references) {
      const service = { name, version: version === "" ? "latest" : version };
      await session.call("runtime", "Runtime.Delete", {
        resource: { service },
        options: { namespace: session.namespace },
      });
    }
    if (isJson) printJson(references.map(({ name }) => ({ name, status: "killed" })));
  },
};
