import { CommandError } from "#cli/command-error.ts";
import type { Session } from "#cli/connection/session.ts";
import { fieldsOf, textOf } from "#cli/service-answer.ts";
import { MicroError } from "#base/error.ts";
import { gatherBytes } from "#base/join-bytes.ts";
import { KiB } from "#base/limits.ts";
import type { SourceFile } from "./collect-source.ts";
import { findMissing } from "./find-missing.ts";
import { hashFiles, type HashedFile } from "./hash-files.ts";
import { packSource } from "./pack-source.ts";

/** Size of an upload's messages: large enough to cost little, small enough to show progress on a slow line. */
const messageBytes = 512 * KiB;
/** Files of the list in one message: far below what a message may hold. */
const listedCountMax = 2_000;

export interface UploadTarget {
  readonly name: string;
  readonly version: string;
  /** Folder of the service among the files; empty where it is all of them. */
  readonly folder: string;
}

export interface UploadOptions {
  readonly files: readonly SourceFile[];
  /** Told how many bytes of files were sent. */
  readonly onSent: (bytes: number) => void;
}

/**
 * Sends the files to the server and returns the id by which a service is created from them. What the server holds already is
 * named and not sent.
 *
 * @throws MicroError of the server.
 */
export async function uploadSource(
  session: Session,
  target: UploadTarget,
  { files, onSent }: UploadOptions,
): Promise<string> {
  const hashed = await hashFiles(files);
  const missing = await findMissing(session, hashed);
  // A server that cannot tell, as Micro's, gets everything in the way that it knows.
  if (missing === undefined) return send(session, encodeMessages(target, [], { files, onSent }));
  const changed = hashed.filter(({ sha256 }) => missing.has(sha256));
  try {
    return await send(session, encodeMessages(target, hashed, { files: changed, onSent }));
  } catch (reason) {
    // What it held a moment ago is gone: an update or a removal came between.
    if (!MicroError.is(reason) || reason.code !== "conflict") throw reason;
    return send(session, encodeMessages(target, hashed, { files, onSent }));
  }
}

async function send(session: Session, messages: AsyncIterable<string>): Promise<string> {
  for await (const answer of session.stream({ service: "runtime", endpoint: "Source.Upload" }, messages)) {
    const id = textOf(fieldsOf(answer)["id"]);
    if (id !== "") return id;
  }
  throw new CommandError("The server took the source and gave no id for it", { code: "bad_gateway" });
}

/** The list first, then the archive. */
async function* encodeMessages(
  { folder, ...service }: UploadTarget,
  listed: readonly HashedFile[],
  { files, onSent }: UploadOptions,
): AsyncGenerator<string> {
  yield JSON.stringify(folder === "" ? { service } : { service, folder });
  for (let at = 0; at < listed.length; at += listedCountMax) {
    yield JSON.stringify({ files: listed.slice(at, at + listedCountMax).map(toWireFile) });
  }
  let sentBytes = 0;
  for await (const piece of gatherBytes(packSource(files), messageBytes)) {
    yield JSON.stringify({ data: Buffer.from(piece).toString("base64") });
    sentBytes += piece.length;
    onSent(sentBytes);
  }
}

function toWireFile({ path, sha256, sizeBytes, isExecutable }: HashedFile): object {
  return { path, sha256, size: String(sizeBytes), executable: isExecutable };
}
