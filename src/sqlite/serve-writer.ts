import type { Database } from "bun:sqlite";
import { MicroError } from "#base/error.ts";
import { Mailbox, type Mail } from "./mailbox.ts";
import { fromSqliteError } from "./sqlite-error.ts";
import { openSqliteFile } from "./sqlite-file.ts";
import type { SqliteFormat } from "./sqlite-format.ts";
import { WriteAheadLog } from "./write-ahead-log.ts";
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
  const server = new WriterServer(format, createWriter);
  self.addEventListener("message", ({ data: memory }: MessageEvent<SharedArrayBuffer>) => {
    const mailbox = new Mailbox(memory);
    for (;;) {
      const mail = mailbox.take<ThreadRequest<Request>>();
      self.postMessage(server.reply(mail));
      if (mail.head.kind === "do" && mail.head.endsLog === true) server.endLog();
      // What is left is the end of the thread, which comes from outside.
      if (mail.head.kind === "close") return;
    }
  });
}

interface OpenFile<Request, Reply> {
  readonly writer: FileWriter<Request, Reply>;
  /** Of files whose log is moved by a `Checkpointer`. */
  readonly log: WriteAheadLog | undefined;
}

class WriterServer<Request, Reply> {
  readonly #format: SqliteFormat;
  readonly #createWriter: (database: Database) => FileWriter<Request, Reply>;
  #path = "";
  #file: OpenFile<Request, Reply> | undefined;

  constructor(format: SqliteFormat, createWriter: (database: Database) => FileWriter<Request, Reply>) {
    this.#format = format;
    this.#createWriter = createWriter;
  }

  reply({ head: request, bytes }: Mail<ThreadRequest<Request>>): ThreadReply<Reply> {
    try {
      if (request.kind === "do") return this.#do(request.request, bytes);
      if (request.kind === "open") this.#open(request.path);
      else this.#close();
      return { kind: "done", reply: undefined };
    } catch (reason) {
      const { code, detail } = fromSqliteError(reason, this.#path, this.#format);
      return { kind: "failed", code, detail };
    }
  }

  /** Moves what is left of the log, so that the next commit begins it anew. */
  endLog(): void {
    try {
      this.#file?.log?.move();
    } catch {
      // The log stays as it is. A disk that refuses this refuses the next commit too, which says so.
    }
  }

  #open(path: string): void {
    this.#path = path;
    const database = openSqliteFile(path, this.#format);
    const log = this.#format.logPageCount === undefined ? undefined : new WriteAheadLog(database);
    this.#file = { writer: this.#createWriter(database), log };
  }

  #do(request: Request, bytes: Uint8Array): ThreadReply<Reply> {
    if (this.#file === undefined) throw new MicroError("unavailable", `the ${this.#format.what} file is not open`);
    const { writer, log } = this.#file;
    const reply = writer.answer(request, bytes);
    return log === undefined ? { kind: "done", reply } : { kind: "done", reply, log: log.state() };
  }

  #close(): void {
    this.#file?.log?.finalize();
    this.#file?.writer.close();
    this.#file = undefined;
  }
}
