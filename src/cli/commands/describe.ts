import { CommandError } from "#cli/command-error.ts";
import type { Command } from "#cli/command.ts";
import { formatService } from "#cli/output/format-service.ts";
import { printJson, printLines } from "#cli/output/print.ts";
import { requireService } from "#cli/schema/service-entry.ts";

/** `micro describe NAME`, with the word `service` before the name or without it. */
export const command: Command = {
  kind: "command",
  summary: "Show a service: versions, nodes, endpoints",
  usage: "[service] NAME",
  flags: [],
  wordCount: { min: 1, max: 2 },
  run: async ({ session, words, isJson }) => {
    const [name = ""] = words.slice(-1);
    if (words.length === 2 && words[0] !== "service")
      throw new CommandError(`No help topic for '${words[0]}'`, { exitCode: 3 });
    const versions = await requireService(session, name);
    if (isJson) printJson(versions);
    else printLines(formatService(versions));
  },
};
