import { changeFlags, changeService } from "#cli/change-service.ts";
import { CommandError } from "#cli/command-error.ts";
import type { Command } from "#cli/command.ts";

/** `micro scale NAME N`: so many processes. */
export const command: Command = {
  kind: "command",
  summary: "Set how many processes a service has",
  usage: "NAME[@VERSION] N",
  flags: changeFlags,
  wordCount: { min: 2, max: 2 },
  run: (invocation) => {
    const instances = readCount(invocation.words[1] ?? "");
    const done = `has ${instances} ${instances === 1 ? "process" : "processes"}`;
    return changeService(invocation, { endpoint: "Runtime.Scale", doing: "scaling", done, instances });
  },
};

/** @throws CommandError for anything but a number of processes; the server says how many there may be. */
function readCount(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new CommandError(`Invalid number of processes "${text}": it is 1 or more; "micro kill" stops a service`);
}
