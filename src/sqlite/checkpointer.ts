import type { CheckpointReply, CheckpointRequest } from "./checkpoint-worker.ts";
import type { LogState } from "./write-ahead-log.ts";

export interface CheckpointerOptions {
  readonly path: string;
  /** Pages from which on a log is long. */
  readonly logPageCount: number;
}

/** A log is moved each time that this part of its pages is new: readers look through what was not moved. */
const stepPart = 1 / 4;
/** What may be left for the writer when a log is to begin anew: some hundredths of a second, in which nothing is committed. */
const restPart = 1 / 16;

/**
 * Moves the log of a file into the file, in a thread beside the one that writes it: pages all over a big file take the disk
 * ten times as long as the log itself, and commits need not wait for them.
 *
 * While the log grows, its pages are handed to the system. Once it is long they are made durable, again and again until
 * little is left, because commits go on meanwhile. The writer moves that, between two commits, and the log begins anew.
 *
 * The thread is started when there is something to do for it first. Should it die, commits move the log as they do
 * without it, later.
 */
export class Checkpointer {
  readonly #options: CheckpointerOptions;
  #worker: Worker | undefined;
  #moving: PromiseWithResolvers<void> | undefined;
  /** Whether all that is not left in the log is on disk in the file. */
  #isOnDisk = false;
  /** Whether the writer is to move what is left, or was told to with the request that is under way. */
  #end: "wanted" | "told" | undefined;
  #isClosed = false;

  constructor(options: CheckpointerOptions) {
    this.#options = options;
  }

  /** Tells it how long the log is, after each commit. */
  consider({ pageCount, movedCount }: LogState): void {
    if (this.#isClosed || this.#moving !== undefined || this.#end === "wanted") return;
    if (this.#end === "told") {
      // The writer does so behind this answer; the next one tells how long the log is then.
      this.#end = undefined;
      return;
    }
    const { path, logPageCount } = this.#options;
    const leftCount = pageCount - movedCount;
    const isLong = pageCount >= logPageCount;
    if (isLong && this.#isOnDisk && leftCount <= logPageCount * restPart) {
      this.#isOnDisk = false;
      this.#end = "wanted";
    } else if (isLong || leftCount >= logPageCount * stepPart) {
      void this.#ask({ kind: "move", path, isToDisk: isLong });
      this.#isOnDisk = isLong;
    }
  }

  /** Whether the writer is to move what is left of the log behind the request that is about to go to it; says so once. */
  takeEnd(): boolean {
    if (this.#end !== "wanted") return false;
    this.#end = "told";
    return true;
  }

  /** Waits for what is under way and closes the file. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#moving?.promise;
    if (this.#worker !== undefined) await this.#ask({ kind: "close" });
    this.end();
  }

  /** Ends the thread at once. */
  end(): void {
    this.#isClosed = true;
    this.#worker?.terminate();
    this.#worker = undefined;
    this.#settle();
  }

  #ask(request: CheckpointRequest): Promise<void> {
    const moving = Promise.withResolvers<void>();
    this.#moving = moving;
    this.#worker ??= this.#start();
    this.#worker.postMessage(request);
    return moving.promise;
  }

  #start(): Worker {
    // In this form bundlers find the file, and a single executable finds it inside itself.
    const worker = new Worker(new URL("./checkpoint-worker.ts", import.meta.url));
    worker.addEventListener("message", (_event: MessageEvent<CheckpointReply>) => this.#settle());
    worker.addEventListener("error", () => this.end());
    worker.addEventListener("close", () => this.end());
    return worker;
  }

  #settle(): void {
    this.#moving?.resolve();
    this.#moving = undefined;
  }
}
