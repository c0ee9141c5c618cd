import type { CommandGroup } from "#cli/command.ts";
import { command as describe } from "./describe.ts";

/** `micro get service NAME`. */
export const command: CommandGroup = {
  kind: "group",
  summary: "Get a resource, like a service",
  unknownChildExitCode: 3,
  children: { service: { ...describe, usage: "NAME", wordCount: { min: 1, max: 1 } } },
};
