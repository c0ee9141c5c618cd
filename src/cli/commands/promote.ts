import { changeFlags, changeService } from "#cli/change-service.ts";
import type { Command } from "#cli/command.ts";

/** `micro promote NAME`: the canary in the place of the rest. */
export const command: Command = {
  kind: "command",
  summary: "Give a canary all calls of its service",
  usage: "NAME[@VERSION]",
  details: '"micro update --canary PERCENT" starts one; "micro rollback" ends it instead.',
  flags: changeFlags,
  wordCount: { min: 1, max: 1 },
  run: (invocation) =>
    changeService(invocation, { endpoint: "Runtime.Promote", doing: "promoting", done: "was promoted" }),
};
