import { MicroError } from "#base/error.ts";
import { KiB } from "#base/limits.ts";
import type { SqliteFormat } from "./sqlite-format.ts";
import type { WriterThread } from "./writer-thread.ts";

/** Packs entries into one request. */
export interface EntryPacker<Entry, Result, Request, Reply> {
  /** Bytes that were packed. */
  readonly byteCount: number;
  add(entry: Entry): void;
  /** What was packed; nothing is added any more. */
  finish(): PackedRequest<Request>;
  /** One result an entry, in order; an entry that was left out has an error. */
  readReply(reply: Reply): readonly (Result | MicroError)[];
}

/** A request that goes as JSON, and bytes that go beside it as they are. */
export interface PackedRequest<Request> {
  readonly request: Request;
  readonly bytes: Uint8Array;
}

export interface GroupCommitDeps<Entry, Result, Request, Reply> {
  readonly format: SqliteFormat;
  readonly thread: WriterThread<Request, Reply>;
  /** Starts the writer again after its death: the file is whole, only what was under way has failed. */
  readonly revive: () => Promise<WriterThread<Request, Reply>>;
  /** @param bytesExpected room made at once: moving to a bigger piece of memory costs more than asking for it. */
  readonly createPacker: (bytesExpected: number) => EntryPacker<Entry, Result, Request, Reply>;
  /** Above this the next commit takes the rest. */
  readonly groupBytesMax: number;
  /** Above this callers are refused. */
  readonly pendingBytesMax: number;
}

interface Caller<T> {
  readonly resolve: (result: T) => void;
  readonly reject: (error: MicroError) => void;
}

interface PendingGroup<Entry, Result, Request, Reply> {
  readonly packer: EntryPacker<Entry, Result, Request, Reply>;
  /** What it takes of `pendingBytesMax`. */
  byteCount: number;
  readonly callers: Caller<Result>[];
}

interface PendingRequest<Request, Reply> extends Caller<Reply> {
  readonly request: Request;
}

/** What a single request takes of `pendingBytesMax`. */
const requestBytes = KiB;

/**
 * Gathers entries while the last commit runs and sends them to the writer as one group, so that the wait for the disk is
 * shared by all who wait. Requests of other kinds take turns with the groups, so that neither holds up the other for long.
 */
export class GroupCommit<Entry, Result, Request, Reply> {
  readonly #deps: GroupCommitDeps<Entry, Result, Request, Reply>;
  #thread: WriterThread<Request, Reply>;
  readonly #groups: PendingGroup<Entry, Result, Request, Reply>[] = [];
  readonly #requests: PendingRequest<Request, Reply>[] = [];
  #pendingBytes = 0;
  /** Size of the last group: under a steady load the next one is like it. */
  #lastGroupBytes = 0;
  #running: Promise<void> | undefined;
  #isClosed = false;

  constructor(deps: GroupCommitDeps<Entry, Result, Request, Reply>) {
    this.#deps = deps;
    this.#thread = deps.thread;
  }

  /**
   * Answers when the entry is on disk. What it refers to may be used again at once.
   *
   * @throws MicroError what the writer says of the entry; `unavailable` when the disk refuses or the file is closed;
   * `too_many_requests` when more waits than memory allows.
   */
  write(entry: Entry, byteCount: number): Promise<Result> {
    const refusal = this.#refuse(byteCount);
    if (refusal !== undefined) return Promise.reject(refusal);
    const group = this.#openGroup(byteCount);
    group.packer.add(entry);
    group.byteCount += byteCount;
    this.#pendingBytes += byteCount;
    this.#start();
    return new Promise<Result>((resolve, reject) => {
      group.callers.push({ resolve, reject });
    });
  }

  /** Sends a single request, when its turn comes. @throws MicroError as `write`. */
  request(request: Request): Promise<Reply> {
    const refusal = this.#refuse(requestBytes);
    if (refusal !== undefined) return Promise.reject(refusal);
    this.#pendingBytes += requestBytes;
    this.#start();
    return new Promise<Reply>((resolve, reject) => {
      this.#requests.push({ request, resolve, reject });
    });
  }

  /** Refuses what comes from now on, waits until what was taken is answered, closes the file. */
  async close(): Promise<void> {
    this.#isClosed = true;
    while (this.#running !== undefined) await this.#running;
    await this.#thread.close();
  }

  #refuse(byteCount: number): MicroError | undefined {
    const { format, pendingBytesMax } = this.#deps;
    if (this.#isClosed) return new MicroError("unavailable", `the ${format.what} is closed`, { at: format.at });
    if (this.#pendingBytes === 0 || this.#pendingBytes + byteCount <= pendingBytesMax) return undefined;
    const detail = "the disk does not keep up with the writes: wait and try again";
    return new MicroError("too_many_requests", detail, { at: format.at });
  }

  #openGroup(byteCount: number): PendingGroup<Entry, Result, Request, Reply> {
    const last = this.#groups.at(-1);
    if (last !== undefined && last.packer.byteCount + byteCount <= this.#deps.groupBytesMax) return last;
    const packer = this.#deps.createPacker(this.#lastGroupBytes);
    const group: PendingGroup<Entry, Result, Request, Reply> = { packer, byteCount: 0, callers: [] };
    this.#groups.push(group);
    return group;
  }

  #start(): void {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      // Something may have come between the end of the loop and this line.
      if (this.#groups.length > 0 || this.#requests.length > 0) this.#start();
    });
  }

  async #run(): Promise<void> {
    // Everybody who writes in this turn of the event loop shares the first commit.
    await Promise.resolve();
    for (;;) {
      const group = this.#groups.shift();
      if (group !== undefined) await this.#commit(group);
      const request = this.#requests.shift();
      if (request !== undefined) await this.#send(request);
      if (group === undefined && request === undefined) return;
    }
  }

  async #commit({ packer, byteCount, callers }: PendingGroup<Entry, Result, Request, Reply>): Promise<void> {
    this.#lastGroupBytes = packer.byteCount;
    try {
      const { request, bytes } = packer.finish();
      const reply = await (await this.#living()).request(request, bytes);
      const results = packer.readReply(reply);
      let index = 0;
      for (const caller of callers) {
        settle(caller, results[index]);
        index += 1;
      }
    } catch (reason) {
      const error = MicroError.from(reason);
      // Those that were answered are settled already.
      for (const caller of callers) caller.reject(error);
    } finally {
      this.#pendingBytes -= byteCount;
    }
  }

  async #send({ request, resolve, reject }: PendingRequest<Request, Reply>): Promise<void> {
    try {
      resolve(await (await this.#living()).request(request));
    } catch (reason) {
      reject(MicroError.from(reason));
    } finally {
      this.#pendingBytes -= requestBytes;
    }
  }

  async #living(): Promise<WriterThread<Request, Reply>> {
    if (this.#thread.isDead) this.#thread = await this.#deps.revive();
    return this.#thread;
  }
}

function settle<Result>(caller: Caller<Result>, result: Result | MicroError | undefined): void {
  if (MicroError.is(result)) caller.reject(result);
  else if (result === undefined) caller.reject(new MicroError("internal", "the writer left out an answer"));
  else caller.resolve(result);
}
