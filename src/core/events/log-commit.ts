import type { Clock } from "#base/clock.ts";
import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import { requireName } from "#base/name.ts";
import type { PublishedEvent, TopicKey } from "#interface/events.ts";
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

type Published = readonly PublishedEvent[];

/** The writing side of an event log: writes go to its writer in groups, other requests take turns with them. */
export class LogCommit {
  readonly #commit: GroupCommit<CheckedWrite, Published, LogRequest, LogReply>;
  /** Topics whose names were checked: most events go to the same few. */
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

  /** @throws MicroError as `Events.publish`. */
  async write(write: LogWrite): Promise<Published> {
    let byteCount = 0;
    let metadata: string[] | undefined;
    for (const [index, event] of write.events.entries()) {
      this.#check(write.namespace, event.topic);
      let text = "";
      if (event.metadata !== undefined) {
        text = JSON.stringify(event.metadata);
        if (text === "{}") text = "";
        else (metadata ??= Array.from({ length: write.events.length }, () => ""))[index] = text;
      }
      if (event.payload.byteLength > limits.eventBytesMax) {
        const detail = `the payload has ${event.payload.byteLength} bytes, above the limit of ${limits.eventBytesMax}`;
        throw new MicroError("payload_too_large", detail, { at: logFormat.at });
      }
      if (event.id !== undefined && (event.id === "" || event.id.length > limits.eventIdLengthMax)) {
        const detail = `an event id has 1 to ${limits.eventIdLengthMax} characters`;
        throw new MicroError("invalid_argument", detail, { at: logFormat.at });
      }
      byteCount += recordBytesMax(event, text);
    }
    for (const { place } of write.places ?? []) byteCount += 64 + place.done.length * 2;
    return this.#commit.write({ write, metadata }, byteCount);
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

  #check(namespace: string, topic: string): void {
    if (this.#checkedTopic.topic === topic && this.#checkedTopic.namespace === namespace) return;
    requireName("namespace", namespace);
    requireName("topic", topic);
    this.#checkedTopic = { namespace, topic };
  }
}

function startThread(path: string): Promise<WriterThread<LogRequest, LogReply>> {
  // In this form bundlers find the file, and a single executable finds it inside itself.
  const worker = new Worker(new URL("./log-writer-worker.ts", import.meta.url));
  return WriterThread.start({ worker, path, format: logFormat });
}
