import type { Clock } from "#base/clock.ts";
import type { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import { GroupCommit, type EntryPacker } from "#sqlite/group-commit.ts";
import { WriterThread } from "#sqlite/writer-thread.ts";
import { sizeOf, type CheckedChange } from "./check-change.ts";
import { createConflict } from "./conflict.ts";
import { storeFormat } from "./store-format.ts";
import { GroupPacker } from "./write-group.ts";
import type { WriterReply, WriterRequest } from "./writer-message.ts";

type Batch = readonly CheckedChange[];

/** The writing side of a store file: batches go to its writer in groups, expired records are removed in between. */
export class StoreCommit {
  readonly #clock: Clock;
  readonly #commit: GroupCommit<Batch, number, WriterRequest, WriterReply>;

  private constructor(clock: Clock, commit: GroupCommit<Batch, number, WriterRequest, WriterReply>) {
    this.#clock = clock;
    this.#commit = commit;
  }

  /** @throws MicroError as `openSqliteFile`. */
  static async open(path: string, clock: Clock): Promise<StoreCommit> {
    const start = (): Promise<WriterThread<WriterRequest, WriterReply>> => startThread(path);
    const commit = new GroupCommit<Batch, number, WriterRequest, WriterReply>({
      format: storeFormat,
      thread: await start(),
      revive: start,
      createPacker: (bytesExpected) => createPacker(bytesExpected, clock),
      groupBytesMax: limits.storeGroupBytesMax,
      pendingBytesMax: limits.storePendingBytesMax,
    });
    return new StoreCommit(clock, commit);
  }

  /** The revision of the batch, once it is on disk. @throws MicroError `conflict`, and as `GroupCommit.write`. */
  write(changes: Batch): Promise<number> {
    return this.#commit.write(changes, sizeOf(changes));
  }

  /** Removes what has expired, some with each commit, until nothing is left or `isOver` says so. */
  async purge(isOver: () => boolean): Promise<void> {
    const countMax = limits.storePurgeCountMax;
    while (!isOver()) {
      const reply = await this.#commit.request({ kind: "purge", countMax, nowMs: this.#clock.now() });
      if (reply.kind !== "purged" || reply.count < countMax) return;
    }
  }

  /** Refuses new writes, waits until those that were taken are answered, closes the file. */
  close(): Promise<void> {
    return this.#commit.close();
  }
}

function startThread(path: string): Promise<WriterThread<WriterRequest, WriterReply>> {
  // In this form bundlers find the file, and a single executable finds it inside itself.
  const worker = new Worker(new URL("./store-writer-worker.ts", import.meta.url));
  return WriterThread.start({ worker, path, format: storeFormat });
}

function createPacker(bytesExpected: number, clock: Clock): EntryPacker<Batch, number, WriterRequest, WriterReply> {
  const packer = new GroupPacker(bytesExpected);
  return {
    get byteCount() {
      return packer.byteCount;
    },
    add: (changes) => packer.add(changes),
    finish: () => {
      const { group, bytes } = packer.finish();
      return { request: { kind: "commit", group, nowMs: clock.now() }, bytes };
    },
    readReply: (reply) => (reply.kind === "committed" ? readReply(reply, packer.batchCount) : []),
  };
}

function readReply(reply: WriterReply & { kind: "committed" }, batchCount: number): readonly (number | MicroError)[] {
  const results: (number | MicroError)[] = [];
  for (let batch = 0; batch < batchCount; batch += 1) results.push(reply.baseRevision + batch + 1);
  for (const { batch, key, expectedRevision, revision } of reply.refused) {
    results[batch] = createConflict(key, expectedRevision, revision);
  }
  return results;
}
