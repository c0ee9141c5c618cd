import type { Database } from "bun:sqlite";
import { MicroError } from "#base/error.ts";
import { Mailbox, type Mail } from "./mailbox.ts";
import { fromSqliteError } from "./sqlite-error.ts";
import { openSqliteFile } from "./sqlite-file.ts";
import type { SqliteFormat } from "./sqlite-format.ts";
import type { ThreadReply, ThreadRequest } from "./writer-thread.ts";

declare const self: Worker;

/** What writes a file, inside its thread. */
export interface FileWriter<Request, Reply> {
  /**
   * Does all of the request, on disk when it returns, or nothing of it.
   *
   * @param bytes belong to the next request after that.
   */
  answer(request: Request, bytes: Uint8Array): Reply;
  /** Frees the statements and closes the database. */
  close(): void;
}

/**
 * Makes the worker that calls it the one thread that writes a file and waits for the disk. It does nothing else, and keeps
 * no queue of its own; the block sends the next request when this one is on disk.
 */
export function serveWriter<Request, Reply>(
  format: SqliteFormat,
  createWriter: (database: Database) => FileWriter<Request, Reply>,
): void {
  let path = "";
  let writer: FileWriter<Request, Reply> | undefined;
  const answer = ({ head: request, bytes }: Mail<ThreadRequest<Request>>): Reply | undefined => {
    if (request.kind === "open") {
      path = request.path;
      writer = createWriter(openSqliteFile(path, format));
      return undefined;
    }
    if (writer === undefined) throw new MicroError("unavailable", `the ${format.what} file is not open`);
    if (request.kind === "do") return writer.answer(request.request, bytes);
    writer.close();
    writer = undefined;
    return undefined;
  };
  const reply = (mail: Mail<ThreadRequest<Request>>): ThreadReply<Reply> => {
    try {
      return { kind: "done", reply: answer(mail) };
    } catch (reason) {
      const { code, detail } = fromSqliteError(reason, path, format);
      return { kind: "failed", code, detail };
    }
  };
  self.addEventListener("message", ({ data: memory }: MessageEvent<SharedArrayBuffer>) => {
    const mailbox = new Mailbox(memory);
    for (;;) {
      const mail = mailbox.take<ThreadRequest<Request>>();
      self.postMessage(reply(mail));
      // What is left is the end of the thread, which comes from outside.
      if (mail.head.kind === "close") return;
    }
  });
}
