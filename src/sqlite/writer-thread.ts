import { MicroError } from "#base/error.ts";
import type { ErrorCode } from "#base/error-code.ts";
import { Checkpointer } from "./checkpointer.ts";
import { Mailbox } from "./mailbox.ts";
import type { SqliteFormat } from "./sqlite-format.ts";
import type { LogState } from "./write-ahead-log.ts";

/** What a writer thread is asked, as JSON; each is answered before the next one is asked. */
export type ThreadRequest<Request> =
  | { readonly kind: "open"; readonly path: string }
  /** `endsLog`: and then, behind the answer, moves what is left of the log. */
  | { readonly kind: "do"; readonly request: Request; readonly endsLog?: true }
  | { readonly kind: "close" };

export type ThreadReply<Reply> =
  /** Only `do` has a reply. */
  | { readonly kind: "done"; readonly reply: Reply | undefined; readonly log?: LogState }
  /** Nothing of the request was done. */
  | { readonly kind: "failed"; readonly code: ErrorCode; readonly detail: string };

export interface WriterThreadOptions {
  /** Runs `serveWriter()`. Made by the block itself, because bundlers look for `new Worker(new URL(…))` with a literal path. */
  readonly worker: Worker;
  readonly path: string;
  readonly format: SqliteFormat;
}

interface Waiting<Reply> {
  readonly resolve: (reply: ThreadReply<Reply>) => void;
  readonly reject: (error: MicroError) => void;
}

/** A block's handle on the thread that writes its file: sends requests, brings back replies, notices the thread's death. */
export class WriterThread<Request, Reply> {
  readonly #worker: Worker;
  readonly #format: SqliteFormat;
  readonly #mailbox = new Mailbox();
  #waiting: Waiting<Reply> | undefined;
  /** Of files whose log is not moved by commits. */
  readonly #checkpointer: Checkpointer | undefined;
  #death: MicroError | undefined;

  private constructor({ worker, path, format }: WriterThreadOptions) {
    this.#worker = worker;
    this.#format = format;
    const { logPageCount } = format;
    if (logPageCount !== undefined) this.#checkpointer = new Checkpointer({ path, logPageCount });
    worker.addEventListener("message", (event: MessageEvent<ThreadReply<Reply>>) => this.#take(event.data));
    worker.addEventListener("error", (event) => this.#die(event.message));
    worker.addEventListener("close", () => this.#die("it ended"));
    worker.postMessage(this.#mailbox.memory);
  }

  /** Opens the file in the thread. @throws MicroError as `openSqliteFile`; the thread is ended then. */
  static async start<Request, Reply>(options: WriterThreadOptions): Promise<WriterThread<Request, Reply>> {
    const thread = new WriterThread<Request, Reply>(options);
    try {
      await thread.#ask({ kind: "open", path: options.path }, noBytes);
      return thread;
    } catch (reason) {
      thread.end();
      throw reason;
    }
  }

  get isDead(): boolean {
    return this.#death !== undefined;
  }

  /**
   * One at a time.
   *
   * @param request goes as JSON. @param bytes go as they are; they may be used again at once.
   * @throws MicroError what the writer says, or `unavailable` when the thread died before it answered.
   */
  async request(request: Request, bytes: Uint8Array = noBytes): Promise<Reply> {
    const endsLog = this.#checkpointer?.takeEnd() === true;
    const reply = await this.#ask({ kind: "do", request, ...(endsLog ? { endsLog } : {}) }, bytes);
    if (reply === undefined) throw new MicroError("internal", `the ${this.#format.what}'s writer gave no answer`);
    return reply;
  }

  /** Closes the file, so that what is in the log moves into it, and ends the thread. */
  async close(): Promise<void> {
    try {
      if (!this.isDead) await this.#ask({ kind: "close" }, noBytes);
      await this.#checkpointer?.close();
    } finally {
      this.end();
    }
  }

  /** Ends the thread at once. What it has not answered fails with `unavailable`. */
  end(): void {
    this.#die("it was closed");
    this.#worker.terminate();
  }

  #take(reply: ThreadReply<Reply>): void {
    this.#takeWaiting()?.resolve(reply);
    if (reply.kind === "done" && reply.log !== undefined) this.#checkpointer?.consider(reply.log);
  }

  async #ask(request: ThreadRequest<Request>, bytes: Uint8Array): Promise<Reply | undefined> {
    if (this.#death !== undefined) throw this.#death;
    if (this.#waiting !== undefined) throw new MicroError("internal", "a writer is asked one thing at a time");
    const reply = await new Promise<ThreadReply<Reply>>((resolve, reject) => {
      this.#mailbox.put(request, bytes);
      this.#waiting = { resolve, reject };
    });
    if (reply.kind === "failed") throw new MicroError(reply.code, reply.detail, { at: this.#format.at });
    return reply.reply;
  }

  #die(detail: string): void {
    const { at, what } = this.#format;
    this.#death ??= new MicroError("unavailable", `the ${what}'s writer is gone: ${detail}`, { at });
    this.#checkpointer?.end();
    this.#takeWaiting()?.reject(this.#death);
  }

  #takeWaiting(): Waiting<Reply> | undefined {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    return waiting;
  }
}

const noBytes = new Uint8Array(0);
