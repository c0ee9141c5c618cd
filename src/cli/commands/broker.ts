import type { CommandGroup } from "#cli/command.ts";
import { publish } from "./broker/publish.ts";
import { stats } from "./broker/stats.ts";
import { subscribe } from "./broker/subscribe.ts";

/** `micro broker …`: messages that nobody keeps. */
export const command: CommandGroup = {
  kind: "group",
  summary: "Send and print messages",
  children: { publish, subscribe, stats },
};
