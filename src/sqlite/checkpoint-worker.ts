import { Database } from "bun:sqlite";
import { closeSync, fdatasyncSync, openSync } from "node:fs";
import { WriteAheadLog } from "./write-ahead-log.ts";

declare const self: Worker;

/** Each is answered once, in order. */
export type CheckpointRequest =
  | { readonly kind: "move"; readonly path: string; readonly isToDisk: boolean }
  | { readonly kind: "close" };

/** `failed`: the disk refused; the log is as it was, or shorter. */
export type CheckpointReply = "done" | "failed";

/**
 * A file whose log is moved into it. SQLite makes a file durable only when all of its log was moved at once, which does
 * not happen while commits come. So it is done here; what is left to SQLite then is a matter of a few pages.
 */
class MovedFile {
  readonly #database: Database;
  readonly #log: WriteAheadLog;
  /** Closed last: closing it frees the locks that connections of this process hold on the file. */
  readonly #file: number;

  /** The file is there and in its present form: its writer opened it before. */
  constructor(path: string) {
    this.#database = new Database(path, { readwrite: true, create: false, strict: true });
    this.#database.run("PRAGMA busy_timeout = 5000");
    this.#database.run("PRAGMA synchronous = FULL");
    this.#log = new WriteAheadLog(this.#database);
    this.#file = openSync(path, "r");
  }

  move(isToDisk: boolean): void {
    this.#log.move();
    if (isToDisk) fdatasyncSync(this.#file);
  }

  close(): void {
    this.#log.finalize();
    this.#database.close();
    closeSync(this.#file);
  }
}

let file: MovedFile | undefined;

self.addEventListener("message", ({ data }: MessageEvent<CheckpointRequest>) => {
  self.postMessage(answer(data) satisfies CheckpointReply);
});

function answer(request: CheckpointRequest): CheckpointReply {
  try {
    if (request.kind === "close") file?.close();
    else (file ??= new MovedFile(request.path)).move(request.isToDisk);
    return "done";
  } catch {
    // Nobody waits for it: a log that nothing moves is moved by a commit in the end, which says what the disk says.
    return "failed";
  }
}
