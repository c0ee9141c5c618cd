import type { Command, CommandGroup } from "#cli/command.ts";
import { printJson, printLines } from "#cli/output/print.ts";
import { fieldsOf } from "#cli/service-answer.ts";
import { CommandError } from "#cli/command-error.ts";
import { readBlobInfo, refuseMissingBlob, type BlobFacts } from "./blob-info.ts";
import { listBlobs } from "./blob-list.ts";
import { readBlob } from "./blob-read.ts";
import { writeBlob } from "./blob-write.ts";

const stat: Command = {
  kind: "command",
  summary: "Show what is known of a blob",
  usage: "KEY",
  details: "micro store blob stat photos/1.jpg",
  flags: [],
  wordCount: { min: 1, max: 1 },
  run: async ({ session, words: [key = ""], isJson }) => {
    const body = { key, options: { namespace: session.namespace } };
    const answer = await session.call("store", "BlobStore.Stat", body).catch(refuseMissingBlob);
    const info = readBlobInfo(fieldsOf(answer)["info"]);
    if (info === undefined) throw new CommandError("The server said nothing of the blob", { code: "bad_gateway" });
    if (isJson) printJson(info);
    else printLines(describe(info));
  },
};

const remove: Command = {
  kind: "command",
  summary: "Remove a blob",
  usage: "KEY",
  details: "micro store blob delete photos/1.jpg",
  flags: [],
  wordCount: { min: 1, max: 1 },
  run: async ({ session, words: [key = ""] }) => {
    await session.call("store", "BlobStore.Delete", { key, options: { namespace: session.namespace } });
  },
};

/** `micro store blob …`: large values, moved in pieces. */
export const blob: CommandGroup = {
  kind: "group",
  summary: "Read and write large values",
  children: { read: readBlob, write: writeBlob, list: listBlobs, stat, delete: remove },
};

function describe({ key, size, content_type, public: isPublic, sha256, modified }: BlobFacts): readonly string[] {
  return [
    `key:          ${key}`,
    `size:         ${size}`,
    `content type: ${content_type === "" ? "n/a" : content_type}`,
    `public:       ${isPublic ? "yes" : "no"}`,
    `sha256:       ${sha256}`,
    `modified:     ${modified}`,
  ];
}
