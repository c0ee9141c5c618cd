import type { CommandGroup } from "#cli/command.ts";
import { consume } from "./events/consume.ts";
import { deleteGroup, deleteTopic, groups, redrive } from "./events/groups.ts";
import { publish } from "./events/publish.ts";
import { read } from "./events/read.ts";
import { retention } from "./events/retention.ts";
import { topics } from "./events/topics.ts";

/** `micro events …`: topics that are kept. */
export const command: CommandGroup = {
  kind: "group",
  summary: "Publish, consume and read events",
  children: {
    publish,
    consume,
    read,
    topics,
    groups,
    redrive,
    retention,
    delete: deleteTopic,
    "delete-group": deleteGroup,
  },
};
