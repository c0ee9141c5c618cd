import type { CommandGroup } from "#cli/command.ts";
import { blob } from "./store/blob.ts";
import { remove } from "./store/delete.ts";
import { list } from "./store/list.ts";
import { databases, tables } from "./store/names.ts";
import { read } from "./store/read.ts";
import { restore } from "./store/restore.ts";
import { snapshot } from "./store/snapshot.ts";
import { write } from "./store/write.ts";

/** `micro store …`: records and blobs. */
export const command: CommandGroup = {
  kind: "group",
  summary: "Read and write records and blobs",
  children: { read, list, write, delete: remove, databases, tables, snapshot, restore, blob },
};
