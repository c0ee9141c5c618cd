import type { Clock } from "#base/clock.ts";
import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import type { Metadata } from "#base/metadata.ts";
import { requireName } from "#base/name.ts";
import type { NewEvent, PublishedRun, TopicKey } from "#interface/events.ts";
import { GroupCommit } from "#sqlite/group-commit.ts";
import { WriterThread } from "#sqlite/writer-thread.ts";
import type { LogWrite } from "./event-log.ts";
import { logFormat } from "./log-format.ts";
import type { LogReply, LogRequest } from "./log-message.ts";
import { LogPacker, type CheckedWrite } from "./log-packer.ts";
import { recordBytesMax } from "./log-record.ts";

export interface LogCommitDeps {
  readonly path: string;
  readonly clock: Clock;
  /** Called for each topic that grew, with its last place, before the writers are answered. Does not throw. */
  readonly onAppend: (key: TopicKey, lastSequence: number) => void;
}

type Published = readonly PublishedRun[];

/** The writing side of an event log: writes go to its writer in groups, other requests take turns with them. */
export class LogCommit {
  readonly #commit: GroupCommit<CheckedWrite, Published, LogRequest, LogReply>;
  /** The topic whose name was checked last: most events go to the one before them. */
  #checkedTopic: TopicKey = { namespace: "", topic: "" };

  private constructor(commit: GroupCommit<CheckedWrite, Published, LogRequest, LogReply>) {
    this.#commit = commit;
  }

  /** @throws MicroError as `openSqliteFile`. */
  static async open({ path, clock, onAppend }: LogCommitDeps): Promise<LogCommit> {
    const start = (): Promise<WriterThread<LogRequest, LogReply>> => startThread(path);
    const now = (): number => clock.now();
    const commit = new GroupCommit<CheckedWrite, Published, LogRequest, LogReply>({
      format: logFormat,
      thread: await start(),
      revive: start,
      createPacker: (bytesExpected) => new LogPacker({ bytesExpected, now, onAppend }),
      groupBytesMax: limits.eventGroupBytesMax,
      pendingBytesMax: limits.eventPendingBytesMax,
    });
    return new LogCommit(commit);
  }

  /** @throws MicroError as `EventLog.append`. */
  write(write: LogWrite): Promise<Published> {
    try {
      const { checked, byteCount } = this.#check(write);
      return this.#commit.write(checked, byteCount);
    } catch (reason) {
      return Promise.reject(MicroError.from(reason));
    }
  }

  /** Sends a single request, when its turn comes. @throws MicroError as `write`. */
  request(request: LogRequest): Promise<LogReply> {
    return this.#commit.request(request);
  }

  /** Removes what the topics shall not keep, some with each commit, until nothing is left or `isOver` says so. */
  async retain(clock: Clock, isOver: () => boolean): Promise<void> {
    const countMax = limits.eventRetentionCountMax;
    while (!isOver()) {
      const reply = await this.#commit.request({ kind: "retain", countMax, nowMs: clock.now() });
      if (reply.kind !== "retained" || !reply.isMore) return;
    }
  }

  /** Refuses what comes from now on, waits until what was taken is answered, closes the file. */
  close(): Promise<void> {
    return this.#commit.close();
  }

  #check(write: LogWrite): { readonly checked: CheckedWrite; readonly byteCount: number } {
    const { namespace, events, places = [] } = write;
    let byteCount = 0;
    let metadata: string[] | undefined;
    for (let index = 0; index < events.length; index += 1) {
      const event = events[index];
      if (event === undefined) continue;
      this.#checkTopic(namespace, event.topic);
      checkSize(event);
      const text = event.metadata === undefined ? "" : encodeMetadata(event.metadata);
      if (text !== "") (metadata ??= Array.from({ length: events.length }, () => ""))[index] = text;
      byteCount += recordBytesMax(event, text);
    }
    for (const { place } of places) byteCount += 64 + place.done.length * 2;
    return { checked: { write, metadata }, byteCount };
  }

  #checkTopic(namespace: string, topic: string): void {
    if (this.#checkedTopic.topic === topic && this.#checkedTopic.namespace === namespace) return;
    requireName("namespace", namespace);
    requireName("topic", topic);
    this.#checkedTopic = { namespace, topic };
  }
}

/** JSON; empty when there is nothing to keep. */
function encodeMetadata(metadata: Metadata): string {
  const text = JSON.stringify(metadata);
  return text === "{}" ? "" : text;
}

function checkSize({ id, payload }: NewEvent): void {
  if (payload.byteLength > limits.eventBytesMax) {
    const detail = `the payload has ${payload.byteLength} bytes, above the limit of ${limits.eventBytesMax}`;
    throw new MicroError("payload_too_large", detail, { at: logFormat.at });
  }
  if (id !== undefined && (id === "" || id.length > limits.eventIdLengthMax || !id.isWellFormed())) {
    const detail = `an event id has 1 to ${limits.eventIdLengthMax} characters`;
    throw new MicroError("invalid_argument", detail, { at: logFormat.at });
  }
}

function startThread(path: string): Promise<WriterThread<LogRequest, LogReply>> {
  // In this form bundlers find the file, and a single executable finds it inside itself.
  const worker = new Worker(new URL("./log-writer-worker.ts", import.meta.url));
  return WriterThread.start({ worker, path, format: logFormat });
}
