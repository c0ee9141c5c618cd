import { codeFromHttp } from "#base/error-code.ts";
import { MicroError } from "#base/error.ts";
import { MiB } from "#base/limits.ts";
import type { Caller } from "./caller.ts";
import { executeTypes, type TaskOutcome } from "./store-codec.ts";

/** Of a read, a key that is not there is no failure, and an answer that is too big is asked for alone. */
export type TaskKind = "read" | "change";

/** A task that waits for its outcome. */
interface Waiting {
  /** Of `store-codec`. */
  readonly task: Uint8Array;
  readonly kind: TaskKind;
  /** The same for all tasks of a key. */
  readonly lane: number;
  /** Goes out without others: together, the answers were too big. */
  readonly isAlone: boolean;
  readonly resolve: (outcome: TaskOutcome) => void;
  readonly reject: (reason: MicroError) => void;
}

/** Tasks of one call: enough that the cost of a call does not show, few enough that the next ones do not wait for it. */
const taskCountMax = 256;
const taskBytesMax = 4 * MiB;
/** While the server works on one call, the next is built: each has the keys of one lane, so that those of a key stay in order. */
const laneCount = 2;
/** Tasks that wait here, all together; above it callers are refused before memory runs out. */
const waitingCountMax = 50_000;
const waitingBytesMax = 64 * MiB;
const notFound = 404;
const nothing: TaskOutcome = { revision: 0 };

/** A task to be run. */
export interface StoreTask {
  /** Of `store-codec`. */
  readonly task: Uint8Array;
  readonly kind: TaskKind;
  readonly key: string;
}

/**
 * Sends what is to be done with the store: at once when nothing is under way, else together with what gathers until a
 * call comes back. Each task has its own outcome; those of one key are done in the order in which they were asked for.
 */
export class StorePipeline {
  readonly #caller: Caller;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  /** Lanes of which a call is under way. */
  readonly #busyLanes = new Set<number>();
  #isScheduled = false;

  constructor(caller: Caller) {
    this.#caller = caller;
  }

  /** What became of the task. @throws MicroError its failure; `too_many_requests` when too many wait already. */
  run({ task, kind, key }: StoreTask): Promise<TaskOutcome> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.length >= waitingCountMax || this.#waitingBytes >= waitingBytesMax) {
        const detail = `${this.#waiting.length} tasks wait for the store: await some of them first`;
        throw new MicroError("too_many_requests", detail, { at: "store" });
      }
      this.#add({ task, kind, lane: laneOf(key), isAlone: false, resolve, reject });
    });
  }

  #add(waiting: Waiting): void {
    this.#waiting.push(waiting);
    this.#waitingBytes += waiting.task.byteLength;
    // What is called for in the same turn goes together.
    if (this.#busyLanes.size === 0) this.#schedule(queueMicrotask);
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
    // What fits one call is one: two of them cost more than the second saves by being early.
    const isOneCall = this.#waiting.length <= taskCountMax && this.#waitingBytes <= taskBytesMax;
    if (isOneCall && this.#busyLanes.size === 0) return this.#sendLanes(allLanes);
    for (const lane of allLanes) if (!this.#busyLanes.has(lane)) this.#sendLanes([lane]);
  }

  #sendLanes(lanes: readonly number[]): void {
    const batch = this.#takeBatch(lanes);
    if (batch.length === 0) return;
    for (const lane of lanes) this.#busyLanes.add(lane);
    // Never rejects: each failure goes to its task.
    void this.#execute(batch, lanes);
  }

  async #execute(batch: readonly Waiting[], lanes: readonly number[]): Promise<void> {
    try {
      const tasks = batch.map((each) => each.task);
      const options = { types: executeTypes };
      const outcomes = await this.#caller.call<readonly TaskOutcome[]>("store", "Store.Execute", tasks, options);
      if (outcomes.length !== batch.length) throw new MicroError("bad_gateway", "the store answered other tasks");
      batch.forEach((each, index) => this.#settle(each, outcomes[index] ?? nothing, batch.length));
    } catch (reason) {
      const error = MicroError.from(reason);
      for (const { reject } of batch) reject(error);
    }
    for (const lane of lanes) this.#busyLanes.delete(lane);
    // Whoever was just answered may have more to do, and goes with it.
    this.#schedule(setImmediate);
  }

  #settle(waiting: Waiting, outcome: TaskOutcome, taskCount: number): void {
    const { failure } = outcome;
    if (failure === undefined) return waiting.resolve(outcome);
    const { code, detail } = failure;
    const isRead = waiting.kind === "read";
    if (code === notFound && isRead) return waiting.resolve(nothing);
    const error = new MicroError(codeFromHttp(code), detail, { at: "store", httpStatus: code });
    if (error.code === "payload_too_large" && isRead && taskCount > 1) {
      this.#add({ ...waiting, isAlone: true });
    } else {
      waiting.reject(error);
    }
  }

  /** The tasks of one call, in order, out of those that wait. */
  #takeBatch(lanes: readonly number[]): readonly Waiting[] {
    const batch: Waiting[] = [];
    const left: Waiting[] = [];
    let byteCount = 0;
    let isFull = false;
    for (const each of this.#waiting) {
      const { byteLength } = each.task;
      const isOurs = !isFull && lanes.includes(each.lane);
      if (isOurs && batch.length > 0) {
        isFull = each.isAlone || batch.length === taskCountMax || byteCount + byteLength > taskBytesMax;
      }
      if (!isOurs || isFull) {
        left.push(each);
        continue;
      }
      batch.push(each);
      byteCount += byteLength;
      isFull = each.isAlone;
    }
    this.#waitingBytes -= byteCount;
    this.#waiting = left;
    return batch;
  }
}

const allLanes: readonly number[] = Array.from({ length: laneCount }, (_, lane) => lane);

function laneOf(key: string): number {
  let hash = 0;
  for (let at = 0; at < key.length; at += 1) hash = (Math.imul(hash, 31) + key.charCodeAt(at)) | 0;
  // The lowest bit alone would follow the last letter only.
  return ((hash ^ (hash >>> 15)) >>> 0) % laneCount;
}
