import type { Command } from "#cli/command.ts";
import type { Session } from "#cli/connection/session.ts";
import { writeAside } from "#cli/output/aside-file.ts";
import { bytesOf, formatSize } from "#cli/output/format-bytes.ts";
import { printBytes, printJson } from "#cli/output/print.ts";
import { startProgress } from "#cli/output/progress-line.ts";
import { fieldsOf } from "#cli/service-answer.ts";
import { oneMessage } from "#cli/standard-input.ts";
import { refuseMissingBlob } from "./blob-info.ts";

/** `micro store blob read KEY [FILE]`. */
export const readBlob: Command = {
  kind: "command",
  summary: "Write the content of a blob to a file, or to standard output",
  usage: "KEY [FILE|-]",
  details: "micro store blob read photos/1.jpg 1.jpg\n\nA file appears when all of it has come.",
  flags: [],
  wordCount: { min: 1, max: 2 },
  run: async ({ session, words: [key = "", target = "-"], isJson }) => {
    if (target === "-") {
      for await (const piece of readContent(session, key)) printBytes(piece);
      return;
    }
    const progress = startProgress();
    let sizeBytes = 0;
    try {
      await writeAside(target, { mayReplace: true }, async (file) => {
        for await (const piece of readContent(session, key)) {
          await file.write(piece);
          progress.show(`${key}: ${formatSize(file.sizeBytes)}`);
        }
        sizeBytes = file.sizeBytes;
      });
    } finally {
      progress.clear();
    }
    if (isJson) printJson({ key, file: target, size: sizeBytes });
  },
};

async function* readContent(session: Session, key: string): AsyncGenerator<Uint8Array> {
  const body = JSON.stringify({ key, options: { namespace: session.namespace } });
  try {
    const messages = session.stream({ service: "store", endpoint: "BlobStore.Read" }, oneMessage(body));
    for await (const message of messages) yield bytesOf(fieldsOf(message)["blob"]);
  } catch (reason) {
    refuseMissingBlob(reason);
  }
}
