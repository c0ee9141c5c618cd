import type { CommandGroup } from "#cli/command.ts";
import { remove } from "./config/delete.ts";
import { get } from "./config/get.ts";
import { history } from "./config/history.ts";
import { rollback } from "./config/rollback.ts";
import { rotateKey } from "./config/rotate-key.ts";
import { set } from "./config/set.ts";
import { watch } from "./config/watch.ts";

/** `micro config …`: dynamic values and secrets of the current namespace. */
export const command: CommandGroup = {
  kind: "group",
  summary: "Read and change configuration",
  children: { get, set, del: remove, delete: remove, watch, history, rollback, "rotate-key": rotateKey },
};
