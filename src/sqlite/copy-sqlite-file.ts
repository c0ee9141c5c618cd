import { open, rm } from "node:fs/promises";
import { MicroError } from "#base/error.ts";
import type { CopyReply, CopyRequest } from "./sqlite-copy-worker.ts";

/**
 * Writes a copy of a file that is in use: as it is at one moment, packed, checked as a whole and on disk when this answers.
 * Reads and writes go on meanwhile; the copy is made in a thread of its own.
 *
 * @throws MicroError `unavailable` when the target exists or the disk refuses, `internal` when the file is damaged; what
 * was copied so far is removed then.
 */
export async function copySqliteFile({ path, target, format: { at, what } }: CopyRequest): Promise<void> {
  try {
    await (await open(target, "wx", 0o600)).close();
  } catch (reason) {
    throw MicroError.from(reason, { code: "unavailable", at });
  }
  // In this form bundlers find the file, and a single executable finds it inside itself.
  const worker = new Worker(new URL("./sqlite-copy-worker.ts", import.meta.url));
  try {
    const reply = await ask(worker, { path, target, format: { at, what } });
    if (reply.kind === "failed") throw new MicroError(reply.code, reply.detail, { at });
  } catch (reason) {
    await rm(target, { force: true });
    throw reason;
  } finally {
    worker.terminate();
  }
}

function ask(worker: Worker, request: CopyRequest): Promise<CopyReply> {
  return new Promise((resolve, reject) => {
    const die = (detail: string): void => {
      const text = `the copy of ${request.path} was broken off: ${detail}`;
      reject(new MicroError("unavailable", text, { at: request.format.at }));
    };
    worker.addEventListener("message", (event: MessageEvent<CopyReply>) => resolve(event.data));
    worker.addEventListener("error", (event) => die(event.message));
    worker.addEventListener("close", () => die("its thread ended"));
    worker.postMessage(request);
  });
}
