import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { CommandError } from "#cli/command-error.ts";
import type { Command } from "#cli/command.ts";
import { formatSize } from "#cli/output/format-bytes.ts";
import { printJson } from "#cli/output/print.ts";
import { startProgress } from "#cli/output/progress-line.ts";
import { fieldsOf } from "#cli/service-answer.ts";
import { limits } from "#base/limits.ts";
import { readBlobInfo } from "./blob-info.ts";

/** `micro store blob write KEY FILE`: silent. */
export const writeBlob: Command = {
  kind: "command",
  summary: "Write a blob from a file, or from standard input",
  usage: "KEY FILE|-",
  details:
    "micro store blob write photos/1.jpg 1.jpg --public\n\n" +
    "A public blob is served to everybody by the API gateway. The blob is replaced when all of it has come.",
  flags: [
    {
      name: "content-type",
      kind: "string",
      placeholder: "TYPE",
      help: "media type of the content; default by the ending of FILE",
    },
    { name: "public", kind: "bool", help: "everybody may read it" },
  ],
  wordCount: { min: 2, max: 2 },
  run: async ({ session, words: [key = "", source = ""], flags, isJson }) => {
    const options = {
      namespace: session.namespace,
      public: flags.isOn("public"),
      contentType: flags.text("content-type") ?? typeOf(source),
    };
    const progress = startProgress();
    let sentBytes = 0;
    const messages = async function* (): AsyncGenerator<string> {
      yield JSON.stringify({ key, options });
      for await (const piece of await openSource(source)) {
        yield JSON.stringify({ blob: Buffer.from(piece).toString("base64") });
        sentBytes += piece.length;
        progress.show(`${key}: ${formatSize(sentBytes)}`);
      }
    };
    try {
      if (source !== "-") await requireFile(source);
      for await (const answer of session.stream({ service: "store", endpoint: "BlobStore.Write" }, messages())) {
        progress.clear();
        if (isJson) printJson(readBlobInfo(fieldsOf(answer)["info"]) ?? {});
      }
    } finally {
      progress.clear();
    }
  },
};

async function openSource(source: string): Promise<AsyncIterable<Uint8Array>> {
  return source === "-" ? Bun.stdin.stream() : createReadStream(source, { highWaterMark: limits.blobPieceBytes });
}

async function requireFile(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) throw new CommandError(`Cannot read ${path}: there is no such file`);
  if (found.isDirectory()) throw new CommandError(`${path} is a folder: name a file`);
}

/** Media type by the ending of the name; empty where it says nothing. */
function typeOf(source: string): string {
  const type = source === "-" ? "" : Bun.file(source).type;
  return type.startsWith("application/octet-stream") ? "" : type;
}
