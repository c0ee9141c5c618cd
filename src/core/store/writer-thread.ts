import { MicroError } from "#base/error.ts";
import type { WriterReply, WriterRequest } from "./writer-message.ts";

type Waiting = { readonly resolve: (reply: WriterReply) => void; readonly reject: (error: MicroError) => void };

/** The store's handle on its writer: sends requests, brings back replies, notices the thread's death. */
export class WriterThread {
  readonly #worker: Worker;
  readonly #waiting: Waiting[] = [];
  #death: MicroError | undefined;

  private constructor(worker: Worker) {
    this.#worker = worker;
    worker.addEventListener("message", (event: MessageEvent<WriterReply>) => {
      this.#waiting.shift()?.resolve(event.data);
    });
    worker.addEventListener("error", (event) => this.#die(event.message));
    worker.addEventListener("close", () => this.#die("it ended"));
  }

  /** Starts the thread and opens the file in it. @throws MicroError `unavailable` or `internal` when that fails. */
  static async start(path: string): Promise<WriterThread> {
    // In this form bundlers find the file, and a single executable finds it inside itself.
    const thread = new WriterThread(new Worker(new URL("./sqlite-writer-worker.ts", import.meta.url)));
    try {
      await thread.request({ kind: "open", path });
      return thread;
    } catch (reason) {
      thread.end();
      throw reason;
    }
  }

  get isDead(): boolean {
    return this.#death !== undefined;
  }

  /** @throws MicroError what the writer says, or `unavailable` when the thread died before it answered. */
  async request(request: WriterRequest): Promise<WriterReply> {
    if (this.#death !== undefined) throw this.#death;
    const reply = await new Promise<WriterReply>((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#worker.postMessage(request, request.kind === "commit" ? [request.group.bytes] : []);
    });
    if (reply.kind === "failed") throw new MicroError(reply.code, reply.detail, { at: "store" });
    return reply;
  }

  end(): void {
    this.#die("it was closed");
    this.#worker.terminate();
  }

  #die(detail: string): void {
    this.#death ??= new MicroError("unavailable", `the store's writer is gone: ${detail}`, { at: "store" });
    for (const waiting of this.#waiting.splice(0)) waiting.reject(this.#death);
  }
}
