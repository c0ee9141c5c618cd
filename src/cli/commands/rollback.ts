import { changeFlags, changeService } from "#cli/change-service.ts";
import type { Command } from "#cli/command.ts";

/** `micro rollback NAME`: the version before, or the end of a canary. */
export const command: Command = {
  kind: "command",
  summary: "Go back to the version of a service before",
  usage: "NAME[@VERSION]",
  details: "Where a canary runs, that is ended and the rest stays. Again: one version further back.",
  flags: changeFlags,
  wordCount: { min: 1, max: 1 },
  run: (invocation) =>
    changeService(invocation, { endpoint: "Runtime.Rollback", doing: "going back", done: "was rolled back" }),
};
