import { codeFromHttp } from "#base/error-code.ts";
import { MicroError } from "#base/error.ts";
import { MiB } from "#base/limits.ts";
import type { Outcome, Store, Task } from "#gen/store/store_pb.ts";
import type { ProtoClient } from "./proto.ts";

type Work = Task["work"];

/** A task that waits for its outcome. */
interface Waiting {
  readonly work: Work;
  readonly byteCount: number;
  /** Goes out without others: together, the answers were too big. */
  readonly isAlone: boolean;
  readonly resolve: (result: Outcome["result"]) => void;
  readonly reject: (reason: MicroError) => void;
}

/** Tasks of one call: enough that the cost of a call does not show, few enough that the next ones do not wait for it. */
const taskCountMax = 256;
const taskBytesMax = 4 * MiB;
/** While the server works on one call, the next is built. */
const callCountMax = 2;
/** Tasks that wait here, all together; above it callers are refused before memory runs out. */
const waitingCountMax = 50_000;
const waitingBytesMax = 64 * MiB;
const notFound = 404;

/**
 * Sends what is to be done with the store: at once when nothing is under way, else together with what gathers until a
 * call comes back. Each task has its own outcome.
 */
export class StorePipeline {
  readonly #client: ProtoClient<typeof Store>;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #callCount = 0;
  #isScheduled = false;

  constructor(client: ProtoClient<typeof Store>) {
    this.#client = client;
  }

  /**
   * What became of the task; no case for a key that is not there.
   *
   * @throws MicroError the failure of this task; `too_many_requests` when too many wait already.
   */
  run(work: Work, byteCount: number): Promise<Outcome["result"]> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.length >= waitingCountMax || this.#waitingBytes >= waitingBytesMax) {
        const detail = `${this.#waiting.length} tasks wait for the store: await some of them first`;
        throw new MicroError("too_many_requests", detail, { at: "store" });
      }
      this.#add({ work, byteCount, isAlone: false, resolve, reject });
    });
  }

  #add(task: Waiting): void {
    this.#waiting.push(task);
    this.#waitingBytes += task.byteCount;
    // What is called for in the same turn goes together.
    if (this.#callCount === 0) this.#schedule(queueMicrotask);
  }

  #schedule(when: (send: () => void) => void): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    when(() => {
      this.#isScheduled = false;
      this.#send();
    });
  }

  #send(): void {
    while (this.#waiting.length > 0 && this.#callCount < callCountMax) {
      this.#callCount += 1;
      // Never rejects: each failure goes to its task.
      void this.#execute(this.#takeBatch());
    }
  }

  async #execute(batch: readonly Waiting[]): Promise<void> {
    try {
      const tasks = batch.map(({ work }): Task => ({ $typeName: "store.Task", work }));
      const { outcomes } = await this.#client.execute({ $typeName: "store.ExecuteRequest", tasks });
      if (outcomes.length !== batch.length) throw new MicroError("bad_gateway", "the store answered other tasks");
      for (const [index, task] of batch.entries()) this.#settle(task, outcomes[index], batch.length);
    } catch (reason) {
      const error = MicroError.from(reason);
      for (const { reject } of batch) reject(error);
    }
    this.#callCount -= 1;
    // Whoever was just answered may have more to do, and goes with it.
    this.#schedule(setImmediate);
  }

  #settle(task: Waiting, outcome: Outcome | undefined, taskCount: number): void {
    const result = outcome?.result;
    if (result?.case !== "failure") return task.resolve(result ?? { case: undefined });
    const { code, detail } = result.value;
    if (code === notFound && task.work.case === "read") return task.resolve({ case: undefined });
    const error = new MicroError(codeFromHttp(code), detail, { at: "store", httpStatus: code });
    if (error.code === "payload_too_large" && task.work.case === "read" && taskCount > 1) {
      this.#add({ ...task, isAlone: true });
    } else {
      task.reject(error);
    }
  }

  #takeBatch(): readonly Waiting[] {
    let count = 0;
    let bytes = 0;
    for (const { byteCount, isAlone } of this.#waiting) {
      if (count > 0 && (isAlone || count === taskCountMax || bytes + byteCount > taskBytesMax)) break;
      count += 1;
      bytes += byteCount;
      if (isAlone) break;
    }
    this.#waitingBytes -= bytes;
    const batch = this.#waiting.slice(0, count);
    this.#waiting = this.#waiting.slice(count);
    return batch;
  }
}
