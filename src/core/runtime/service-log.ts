import type { Clock } from "#base/clock.ts";
import { MicroError } from "#base/error.ts";
import type { Logger } from "#base/logger.ts";
import type { LogLine, LogQuery } from "#interface/runtime.ts";
import { LogFile, type LogPart } from "./log-file.ts";
import { LogFollower } from "./log-follower.ts";
import { formatLogLine } from "./log-line.ts";
import { readLinesBackward, readLinesForward } from "./read-log-lines.ts";
import { SerialQueue } from "./serial-queue.ts";

export interface ServiceLogDeps {
  readonly path: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The log of one version of a service: what its processes print, and what the runtime says about them. */
export class ServiceLog {
  readonly #deps: ServiceLogDeps;
  readonly #file: LogFile;
  readonly #turns = new SerialQueue();
  readonly #followers = new Set<LogFollower>();
  #isFailing = false;

  constructor(deps: ServiceLogDeps) {
    this.#deps = deps;
    this.#file = new LogFile(deps.path);
  }

  /**
   * Adds lines; resolves when they are in the file, so that a caller who waits cannot fill the memory. A disk that
   * refuses them loses them, and is reported once: a service is not stopped for its log.
   */
  write(instance: string, stream: LogLine["stream"], texts: readonly string[]): Promise<void> {
    if (texts.length === 0) return Promise.resolve();
    const timestampMs = this.#deps.clock.now();
    const lines = texts.map((text) => ({ timestampMs, instance, stream, text }));
    return this.#turns.run(async () => {
      try {
        await this.#file.append(lines.map(formatLogLine).join(""));
        this.#isFailing = false;
      } catch (reason) {
        this.#reportOnce(MicroError.from(reason));
      }
      for (const follower of this.#followers) follower.offer(lines);
    });
  }

  /** The lines asked for, oldest first; then, when following, each new one until the reader leaves. None is missed between. */
  async *read(query: LogQuery): AsyncGenerator<LogLine> {
    const { parts, follower } = await this.#turns.run(async () => {
      // Opened in one turn, so that every line is either in the files or offered to the follower.
      const opened = { parts: await this.#file.parts(), follower: this.#follow(query) };
      if (opened.follower !== undefined) this.#followers.add(opened.follower);
      return opened;
    });
    try {
      yield* readHistory(parts, query);
      if (follower !== undefined) yield* follower.lines();
    } finally {
      follower?.close();
      if (follower !== undefined) this.#followers.delete(follower);
    }
  }

  /** Ends the followers and closes the file. */
  async close(): Promise<void> {
    await this.#turns.run(() => this.#file.close());
    for (const follower of this.#followers) follower.close();
  }

  /** The same, and removes what was logged. */
  async remove(): Promise<void> {
    await this.close();
    await this.#turns.run(() => this.#file.remove());
  }

  #follow({ follow, signal }: LogQuery): LogFollower | undefined {
    if (follow !== true) return undefined;
    return new LogFollower((left) => this.#followers.delete(left), signal);
  }

  #reportOnce(error: MicroError): void {
    if (!this.#isFailing)
      this.#deps.logger.error("the log of a service cannot be written", { path: this.#deps.path, error });
    this.#isFailing = true;
  }
}

/** Reads what is asked for and closes the files, before any following begins. */
async function* readHistory(parts: readonly LogPart[], query: LogQuery): AsyncGenerator<LogLine> {
  try {
    yield* selectLines(parts, query);
  } finally {
    await Promise.all(parts.map((part) => part.handle.close()));
  }
}

async function* selectLines(parts: readonly LogPart[], { count, sinceMs }: LogQuery): AsyncGenerator<LogLine> {
  if (count === undefined && sinceMs === undefined) {
    for (const part of parts) yield* readLinesForward(part);
    return;
  }
  const newestFirst: LogLine[] = [];
  for (const part of parts.toReversed()) {
    for await (const line of readLinesBackward(part)) {
      if (newestFirst.length >= (count ?? Infinity) || line.timestampMs < (sinceMs ?? -Infinity)) {
        yield* newestFirst.toReversed();
        return;
      }
      newestFirst.push(line);
    }
  }
  yield* newestFirst.toReversed();
}
