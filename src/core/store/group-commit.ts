import type { Clock } from "#base/clock.ts";
import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import { sizeOf, type CheckedChange } from "./check-change.ts";
import { createConflict } from "./conflict.ts";
import { GroupPacker } from "./write-group.ts";
import { WriterThread } from "./writer-thread.ts";

interface PendingGroup {
  readonly packer: GroupPacker;
  /** What it takes of `storePendingBytesMax`. */
  byteCount: number;
  readonly callers: { readonly resolve: (revision: number) => void; readonly reject: (error: MicroError) => void }[];
}

/**
 * Gathers writes while the last commit runs and sends them to the writer as one group, so that the wait for the disk is
 * shared by all who wait.
 */
export class GroupCommit {
  readonly #path: string;
  readonly #clock: Clock;
  #thread: WriterThread;
  readonly #groups: PendingGroup[] = [];
  #pendingBytes = 0;
  /** Size of the last group: under a steady load the next one is like it. */
  #lastGroupBytes = 0;
  #running: Promise<void> | undefined;
  #isPurgeDue = false;
  #isClosed = false;

  constructor(deps: { path: string; clock: Clock; thread: WriterThread }) {
    this.#path = deps.path;
    this.#clock = deps.clock;
    this.#thread = deps.thread;
  }

  /**
   * The revision of the batch, once it is on disk.
   *
   * @throws MicroError `conflict`; `unavailable` when the disk refuses or the store is closed; `too_many_requests` when
   * more writes wait than memory allows.
   */
  write(changes: readonly CheckedChange[]): Promise<number> {
    if (this.#isClosed) return Promise.reject(new MicroError("unavailable", "the store is closed", { at: "store" }));
    const byteCount = sizeOf(changes);
    if (this.#pendingBytes > 0 && this.#pendingBytes + byteCount > limits.storePendingBytesMax) {
      const detail = "the disk does not keep up with the writes: wait and try again";
      return Promise.reject(new MicroError("too_many_requests", detail, { at: "store" }));
    }
    const group = this.#openGroup(byteCount);
    group.packer.add(changes);
    group.byteCount += byteCount;
    this.#pendingBytes += byteCount;
    this.#start();
    return new Promise<number>((resolve, reject) => {
      group.callers.push({ resolve, reject });
    });
  }

  /** Removes some expired records with the next commit. */
  purge(): void {
    if (this.#isClosed) return;
    this.#isPurgeDue = true;
    this.#start();
  }

  /** Refuses new writes, waits until those that were taken are answered, closes the file. */
  async close(): Promise<void> {
    this.#isClosed = true;
    while (this.#running !== undefined) await this.#running;
    try {
      if (!this.#thread.isDead) await this.#thread.request({ kind: "close" });
    } finally {
      this.#thread.end();
    }
  }

  #openGroup(byteCount: number): PendingGroup {
    const last = this.#groups.at(-1);
    if (last !== undefined && last.packer.byteCount + byteCount <= limits.storeGroupBytesMax) return last;
    const group: PendingGroup = { packer: new GroupPacker(this.#lastGroupBytes), byteCount: 0, callers: [] };
    this.#groups.push(group);
    return group;
  }

  #start(): void {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      // A write may have come between the end of the loop and this line.
      if (this.#groups.length > 0 || this.#isPurgeDue) this.#start();
    });
  }

  async #run(): Promise<void> {
    // Everybody who writes in this turn of the event loop shares the first commit.
    await Promise.resolve();
    for (;;) {
      const group = this.#groups.shift();
      if (group !== undefined) await this.#commit(group);
      else if (this.#isPurgeDue) await this.#purge();
      else return;
    }
  }

  async #commit({ packer, byteCount, callers }: PendingGroup): Promise<void> {
    this.#lastGroupBytes = packer.byteCount;
    try {
      const thread = this.#thread.isDead ? await this.#revive() : this.#thread;
      const reply = await thread.request({ kind: "commit", group: packer.finish(), nowMs: this.#clock.now() });
      if (reply.kind !== "committed")
        throw new MicroError("internal", `the writer answered a commit with ${reply.kind}`);
      for (const { batch, key, expectedRevision, revision } of reply.refused) {
        callers[batch]?.reject(createConflict(key, expectedRevision, revision));
      }
      // Those that were refused are settled already.
      for (const [batch, caller] of callers.entries()) caller.resolve(reply.baseRevision + batch + 1);
    } catch (reason) {
      const error = MicroError.from(reason);
      for (const caller of callers) caller.reject(error);
    } finally {
      this.#pendingBytes -= byteCount;
    }
  }

  async #purge(): Promise<void> {
    this.#isPurgeDue = false;
    try {
      const thread = this.#thread.isDead ? await this.#revive() : this.#thread;
      const countMax = limits.storePurgeCountMax;
      const reply = await thread.request({ kind: "purge", countMax, nowMs: this.#clock.now() });
      this.#isPurgeDue = reply.kind === "purged" && reply.count === countMax && !this.#isClosed;
    } catch {
      // A disk that refuses is reported to those who write; the purge comes again by itself.
    }
  }

  /** Starts the writer again after its death: the file is whole, only what was under way has failed. */
  async #revive(): Promise<WriterThread> {
    this.#thread = await WriterThread.start(this.#path);
    return this.#thread;
  }
}
