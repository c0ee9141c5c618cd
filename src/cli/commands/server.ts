import type { CommandGroup } from "#cli/command.ts";
import { install } from "./server/install.ts";
import { run } from "./server/run.ts";
import { uninstall } from "./server/uninstall.ts";

/** `micro server …`: the server itself, and its place among the services of the machine. */
export const command: CommandGroup = {
  kind: "group",
  summary: "Run the micro server",
  alone: run,
  children: { install, uninstall },
};
