import { systemClock, type Clock } from "#base/clock.ts";
import { MicroError } from "#base/error.ts";
import { repeat, type Stoppable } from "#base/lifecycle.ts";
import { limits } from "#base/limits.ts";
import { silentLogger, type Logger } from "#base/logger.ts";
import type { BackupPart } from "#interface/backup.ts";
import type { PublishedEvent, PublishedRun, Retention, StoredEvent, TopicKey, TopicState } from "#interface/events.ts";
import { copySqliteFile } from "#sqlite/copy-sqlite-file.ts";
import { fromSqliteError } from "#sqlite/sqlite-error.ts";
import { createSqliteFile, openSqliteReader } from "#sqlite/sqlite-file.ts";
import type { EventLog, GroupKey, GroupPlace, LogWrite } from "./event-log.ts";
import { LogCommit } from "./log-commit.ts";
import { logFormat } from "./log-format.ts";
import { LogReader } from "./log-reader.ts";
import { toPublishedEvents } from "./published-runs.ts";

export interface SqliteEventLogOptions {
  /** Where `events.db` lies; made, readable by its owner only, where it is missing. */
  readonly folder: string;
  /** @default systemClock */
  readonly clock?: Clock;
  /** Is told when events that are not to be kept cannot be removed. @default silentLogger */
  readonly logger?: Logger;
}

type AppendListener = (key: TopicKey, lastSequence: number) => void;

interface SqliteEventLogParts {
  readonly path: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly reader: LogReader;
  readonly commit: LogCommit;
  readonly listeners: Set<AppendListener>;
}

/**
 * The embedded event log: one SQLite file, one writer in a thread of its own that commits together what has gathered, and
 * reads on the calling thread that never wait for a write.
 */
export class SqliteEventLog implements EventLog, BackupPart {
  readonly name = "events";
  readonly #parts: SqliteEventLogParts;
  readonly #retention: Stoppable;
  #closing: Promise<void> | undefined;

  private constructor(parts: SqliteEventLogParts) {
    this.#parts = parts;
    const { clock, commit, logger } = parts;
    const intervalMs = limits.eventRetentionIntervalMs;
    const onError = (error: MicroError): void => logger.warn("old events cannot be removed", { error });
    this.#retention = repeat({ intervalMs, onError }, () => commit.retain(clock, () => this.#closing !== undefined));
  }

  /**
   * @throws MicroError `failed_precondition` for a file of a newer version or of something else, `internal` for a damaged
   * one, `unavailable` when the folder or the file cannot be used.
   */
  static async open(options: SqliteEventLogOptions): Promise<SqliteEventLog> {
    const { folder, clock = systemClock, logger = silentLogger } = options;
    const path = `${folder}/events.db`;
    await createSqliteFile(path, logFormat);
    const reader = new LogReader(openSqliteReader(path, logFormat));
    const listeners = new Set<AppendListener>();
    const onAppend: AppendListener = (key, lastSequence) => {
      for (const listener of listeners) tell(listener, { key, lastSequence, logger });
    };
    try {
      const commit = await LogCommit.open({ path, clock, onAppend });
      return new SqliteEventLog({ path, clock, logger, reader, commit, listeners });
    } catch (reason) {
      reader.close();
      throw fromSqliteError(reason, path, logFormat);
    }
  }

  async write(write: LogWrite): Promise<readonly PublishedEvent[]> {
    return toPublishedEvents(await this.append(write), write.events);
  }

  append(write: LogWrite): Promise<readonly PublishedRun[]> {
    return this.#parts.commit.write(write);
  }

  read(
    key: TopicKey,
    from: { readonly sequence: number; readonly countMax: number; readonly bytesMax: number },
  ): readonly StoredEvent[] {
    return this.#read((reader) => reader.read(key, from));
  }

  readAt(key: TopicKey, sequences: readonly number[]): readonly StoredEvent[] {
    return this.#read((reader) => reader.readAt(key, sequences));
  }

  sequenceAt(key: TopicKey, timestampMs: number): number {
    return this.#read((reader) => reader.sequenceAt(key, timestampMs));
  }

  topic(key: TopicKey): TopicState | undefined {
    return this.#read((reader) => reader.topic(key));
  }

  topics(namespace: string): readonly TopicState[] {
    return this.#read((reader) => reader.topics(namespace));
  }

  place(key: GroupKey): GroupPlace | undefined {
    return this.#read((reader) => reader.place(key));
  }

  groups(key: TopicKey): readonly (GroupKey & { readonly place: GroupPlace })[] {
    return this.#read((reader) => reader.groups(key));
  }

  async setRetention(key: TopicKey, retention: Retention): Promise<void> {
    await this.#parts.commit.request({ kind: "setRetention", key, retention });
  }

  /** Hides the topic at once; its events are removed bit by bit afterwards. */
  async deleteTopic(key: TopicKey): Promise<void> {
    await this.#parts.commit.request({ kind: "deleteTopic", key });
  }

  async deleteGroup(key: GroupKey): Promise<void> {
    await this.#parts.commit.request({ kind: "deleteGroup", key });
  }

  onAppend(listener: AppendListener): () => void {
    this.#parts.listeners.add(listener);
    return () => this.#parts.listeners.delete(listener);
  }

  /** Writes `events.db` into a folder that exists, as it is at one moment; reads and writes go on meanwhile. */
  async copyTo(folder: string): Promise<void> {
    if (this.#closing !== undefined) throw closed();
    await copySqliteFile({ path: this.#parts.path, target: `${folder}/events.db`, format: logFormat });
  }

  /** Answers the writes that were taken, then closes the file. Later calls are refused with `unavailable`. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#retention.stop();
    // The reader goes first, so that the writer is the last one and moves the log into the file, off this thread.
    this.#parts.reader.close();
    await this.#parts.commit.close();
  }

  #read<T>(work: (reader: LogReader) => T): T {
    if (this.#closing !== undefined) throw closed();
    try {
      return work(this.#parts.reader);
    } catch (reason) {
      throw fromSqliteError(reason, this.#parts.path, logFormat);
    }
  }
}

function closed(): MicroError {
  return new MicroError("unavailable", "the event log is closed", { at: logFormat.at });
}

/** A listener that fails must not make a write look as if it had failed. */
function tell(
  listener: AppendListener,
  { key, lastSequence, logger }: { key: TopicKey; lastSequence: number; logger: Logger },
): void {
  try {
    listener(key, lastSequence);
  } catch (reason) {
    logger.error("a listener of the event log failed", { error: MicroError.from(reason) });
  }
}
