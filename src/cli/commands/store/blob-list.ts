import type { Command } from "#cli/command.ts";
import type { Session } from "#cli/connection/session.ts";
import { formatTable } from "#cli/output/format-table.ts";
import { printJson, printLine, printLines } from "#cli/output/print.ts";
import { fieldsOf, listOf } from "#cli/service-answer.ts";
import { readBlobInfo, type BlobFacts } from "./blob-info.ts";

/** Blobs asked for at once. */
const pageCount = 1_000;

/** `micro store blob list`. */
export const listBlobs: Command = {
  kind: "command",
  summary: "List blobs",
  usage: "",
  details: "micro store blob list --prefix photos/ --verbose",
  flags: [
    { name: "prefix", short: "p", kind: "string", placeholder: "TEXT", help: "keys that begin so" },
    { name: "limit", short: "l", kind: "string", placeholder: "N", help: "at most N" },
    { name: "verbose", short: "v", kind: "bool", help: "show size, type and time" },
  ],
  wordCount: { min: 0, max: 0 },
  run: async ({ session, flags, isJson }) => {
    const infos = readBlobs(session, { prefix: flags.text("prefix") ?? "", limit: flags.count("limit") || Infinity });
    if (isJson) return printJson(await Array.fromAsync(infos));
    if (flags.isOn("verbose")) return printLines(formatTable([header, ...(await Array.fromAsync(infos)).map(toRow)]));
    for await (const { key } of infos) printLine(formatTable([[key]]).join(""));
  },
};

const header = ["KEY", "SIZE", "TYPE", "PUBLIC", "MODIFIED"];

function toRow({ key, size, content_type, public: isPublic, modified }: BlobFacts): readonly string[] {
  return [key, String(size), content_type === "" ? "n/a" : content_type, isPublic ? "yes" : "no", modified];
}

async function* readBlobs(
  session: Session,
  { prefix, limit }: { readonly prefix: string; readonly limit: number },
): AsyncGenerator<BlobFacts> {
  let left = limit;
  let after = "";
  while (left > 0) {
    const count = Math.min(left, pageCount);
    const options = { namespace: session.namespace, prefix, after, limit: count };
    const answer = fieldsOf(await session.call("store", "BlobStore.List", { options }));
    const infos = listOf(answer["blobs"]).flatMap((each) => readBlobInfo(each) ?? []);
    yield* infos;
    const last = infos.at(-1);
    if (last === undefined || infos.length < count) return;
    left -= infos.length;
    after = last.key;
  }
}
