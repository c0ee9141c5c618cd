import { changeFlags, changeService } from "#cli/change-service.ts";
import type { Command } from "#cli/command.ts";

/** `micro restart NAME`: every process anew, without a moment in which nobody answers. */
export const command: Command = {
  kind: "command",
  summary: "Start the processes of a service anew",
  usage: "NAME[@VERSION]",
  details: "A few at a time: each new one answers before an old one ends.",
  flags: changeFlags,
  wordCount: { min: 1, max: 1 },
  run: (invocation) =>
    changeService(invocation, { endpoint: "Runtime.Restart", doing: "restarting", done: "was restarted" }),
};
