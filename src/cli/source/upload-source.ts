import { CommandError } from "#cli/command-error.ts";
import type { Session } from "#cli/connection/session.ts";
import { fieldsOf, textOf } from "#cli/service-answer.ts";
import { gatherBytes } from "#base/join-bytes.ts";
import { KiB } from "#base/limits.ts";
import type { SourceFile } from "./collect-source.ts";
import { packSource } from "./pack-source.ts";

/** Size of an upload's messages: large enough to cost little, small enough to show progress on a slow line. */
const messageBytes = 512 * KiB;

export interface UploadTarget {
  readonly name: string;
  readonly version: string;
}

/**
 * Sends the files to the server and returns the id by which a service is created from them.
 *
 * @throws MicroError of the server.
 */
export async function uploadSource(
  session: Session,
  target: UploadTarget,
  { files, onSent }: { readonly files: readonly SourceFile[]; readonly onSent: (bytes: number) => void },
): Promise<string> {
  const endpoint = { service: "runtime", endpoint: "Source.Upload" };
  for await (const answer of session.stream(endpoint, encodeMessages(target, files, onSent))) {
    const id = textOf(fieldsOf(answer)["id"]);
    if (id !== "") return id;
  }
  throw new CommandError("The server took the source and gave no id for it", { code: "bad_gateway" });
}

async function* encodeMessages(
  target: UploadTarget,
  files: readonly SourceFile[],
  onSent: (bytes: number) => void,
): AsyncGenerator<string> {
  let isFirst = true;
  let sentBytes = 0;
  for await (const piece of gatherBytes(packSource(files), messageBytes)) {
    const data = Buffer.from(piece).toString("base64");
    yield JSON.stringify(isFirst ? { service: target, data } : { data });
    isFirst = false;
    sentBytes += piece.length;
    onSent(sentBytes);
  }
}
