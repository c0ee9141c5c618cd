import type { Clock } from "#base/clock.ts";
import { MicroError } from "#base/error.ts";
import type { Logger } from "#base/logger.ts";
import type { LogLine, LogQuery } from "#interface/runtime.ts";
import { LogFile, type LogPart, type LogPlace, type LogRetention } from "./log-file.ts";
import { formatLogLine } from "./log-line.ts";
import { findSince, followLines, readLinesBackward, readLinesForward } from "./read-log-lines.ts";

export interface ServiceLogDeps {
  readonly path: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The log of one version of a service: what its processes print, and what the runtime says about them. */
export class ServiceLog {
  readonly #deps: ServiceLogDeps;
  readonly #file: LogFile;
  #isFailing = false;

  constructor(deps: ServiceLogDeps, retention: LogRetention = {}) {
    this.#deps = deps;
    this.#file = new LogFile(deps.path, retention);
  }

  /**
   * Adds lines; resolves when they are in the file, so that a caller who waits cannot fill the memory. A disk that
   * refuses them loses them, and is reported once: a service is not stopped for its log.
   */
  async write(instance: string, stream: LogLine["stream"], texts: readonly string[]): Promise<void> {
    if (texts.length === 0) return;
    const timestampMs = this.#deps.clock.now();
    const lines = texts.map((text) => formatLogLine({ timestampMs, instance, stream, text }));
    try {
      await this.#file.append(lines.join(""), timestampMs);
      this.#isFailing = false;
    } catch (reason) {
      this.#reportOnce(MicroError.from(reason));
    }
  }

  /**
   * The lines asked for, oldest first; then, when following, each new one until the reader leaves or the log is closed.
   * None is missed between. A reader who is so slow that lines are removed before it asks is told.
   */
  async *read(query: LogQuery): AsyncGenerator<LogLine> {
    const parts = await this.#file.parts();
    const matches = toLineFilter(query);
    yield* query.count === undefined ? this.#readSince(parts, query) : this.#readLast(parts, query, query.count);
    if (query.follow !== true) return;
    for await (const line of followLines(this.#file, endOf(parts, this.#file), query.signal)) {
      if (line === undefined) yield this.#leftOut();
      else if (matches(line)) yield line;
    }
  }

  /** Removes what is too old. */
  async removeOld(): Promise<void> {
    await this.#file.removeOld(this.#deps.clock.now());
  }

  /** Ends those who follow, and closes the file. */
  async close(): Promise<void> {
    await this.#file.close();
  }

  /** The same, and removes what was logged. */
  async remove(): Promise<void> {
    await this.#file.remove();
  }

  async *#readSince(parts: readonly LogPart[], query: LogQuery): AsyncGenerator<LogLine> {
    const matches = toLineFilter(query);
    const { sinceMs } = query;
    for (const part of parts) {
      if (sinceMs !== undefined && part.writtenAtMs < Math.floor(sinceMs)) continue;
      const from = sinceMs === undefined ? 0 : await findSince(this.#file, part, sinceMs);
      for await (const line of readLinesForward(this.#file, part, from)) if (matches(line)) yield line;
    }
  }

  async *#readLast(parts: readonly LogPart[], query: LogQuery, count: number): AsyncGenerator<LogLine> {
    const newestFirst = [];
    for await (const line of this.#readNewestFirst(parts, query)) {
      if (newestFirst.length >= count) break;
      newestFirst.push(line);
    }
    yield* newestFirst.toReversed();
  }

  async *#readNewestFirst(parts: readonly LogPart[], query: LogQuery): AsyncGenerator<LogLine> {
    const matches = toLineFilter(query);
    for (const part of parts.toReversed()) {
      for await (const line of readLinesBackward(this.#file, part)) {
        if (line.timestampMs < (query.sinceMs ?? -Infinity)) return;
        if (matches(line)) yield line;
      }
    }
  }

  #leftOut(): LogLine {
    const text = "lines are left out here: they were removed before they were read";
    return { timestampMs: this.#deps.clock.now(), instance: "", stream: "system", text };
  }

  #reportOnce(error: MicroError): void {
    if (!this.#isFailing)
      this.#deps.logger.error("the log of a service cannot be written", { path: this.#deps.path, error });
    this.#isFailing = true;
  }
}

function toLineFilter({ sinceMs = -Infinity, instance = "", grep = "" }: LogQuery): (line: LogLine) => boolean {
  return (line) => line.timestampMs >= sinceMs && line.instance.startsWith(instance) && line.text.includes(grep);
}

/** Where the next line goes. */
function endOf(parts: readonly LogPart[], file: LogFile): LogPlace {
  const last = parts.at(-1);
  return last === undefined ? { file: file.current, offset: 0 } : { file: last.file, offset: last.sizeBytes };
}
