import type { Clock } from "#base/clock.ts";
import type { LogFields, Logger } from "#base/logger.ts";
import type { Stoppable } from "#base/lifecycle.ts";
import { limits } from "#base/limits.ts";
import type { LogQuery } from "#interface/runtime.ts";
import type { LogSource } from "./log-source.ts";
import { mergeLogs } from "./merge-logs.ts";
import { ServiceLog } from "./service-log.ts";

/** What a server is made of, as its log has it; `server` is what belongs to no other part. */
export const serverParts = [
  "auth",
  "backup",
  "broker",
  "config",
  "events",
  "gateway",
  "proxy",
  "registry",
  "runtime",
  "server",
  "store",
] as const;
type ServerPart = (typeof serverParts)[number];

export interface ServerLogsDeps {
  readonly folder: string;
  readonly version: string;
  readonly clock: Clock;
  /** Told when lines cannot be written; must not write here. */
  readonly logger: Logger;
}

/**
 * What the server itself logs, by part, in files of bounded size. Whoever logs does not wait: lines gather in memory up to a
 * brim, above which they are dropped and counted.
 */
export class ServerLogs implements Stoppable {
  readonly #deps: ServerLogsDeps;
  readonly #logs = new Map<ServerPart, ServiceLog>();
  #waiting = new Map<ServerPart, string[]>();
  #waitingLength = 0;
  #droppedCount = 0;
  #writing: Promise<void> | undefined;

  constructor(deps: ServerLogsDeps) {
    this.#deps = deps;
  }

  /** Takes a finished line with its fields, of which `part` says where it belongs. Returns at once. */
  write(line: string, fields: LogFields): void {
    if (this.#waitingLength > limits.serverLogWaitingLengthMax) {
      this.#droppedCount += 1;
      return;
    }
    this.#waitingLength += line.length;
    const part = findPart(fields);
    const lines = this.#waiting.get(part) ?? [];
    lines.push(line);
    this.#waiting.set(part, lines);
    this.#writing ??= this.#writeAll().finally(() => (this.#writing = undefined));
  }

  /** The log of a part; that of `server` holds all of them. Undefined for what is no part. */
  find(name: string): LogSource | undefined {
    const part = serverParts.find((each) => each === name);
    if (part === undefined) return undefined;
    const { clock, version } = this.#deps;
    const wanted = part === "server" ? serverParts : [part];
    const sources = wanted.map((each) => this.#toSource(each));
    return {
      name,
      version,
      read: async function* (query) {
        for await (const { line } of mergeLogs(clock, sources, query)) yield line;
      },
    };
  }

  /** Writes what waits, and ends those who follow. */
  async stop(): Promise<void> {
    await this.#writing;
    await Promise.all([...this.#logs.values()].map((log) => log.close()));
  }

  async #writeAll(): Promise<void> {
    // What is logged in the same turn is written together.
    await Promise.resolve();
    while (this.#waitingLength > 0) {
      const [lines, droppedCount] = [this.#waiting, this.#droppedCount];
      this.#waiting = new Map();
      this.#waitingLength = 0;
      this.#droppedCount = 0;
      for (const [part, texts] of lines) await this.#logOf(part).write(part, "stderr", texts);
      if (droppedCount > 0) {
        const text = `${droppedCount} lines of the server are left out here: they came faster than the disk took them`;
        await this.#logOf("server").write("server", "system", [text]);
      }
    }
  }

  #toSource(part: ServerPart): LogSource {
    const read = (query: LogQuery): ReturnType<ServiceLog["read"]> => this.#logOf(part).read(query);
    return { name: part, version: this.#deps.version, read };
  }

  #logOf(part: ServerPart): ServiceLog {
    const { folder, clock, logger } = this.#deps;
    const known = this.#logs.get(part);
    if (known !== undefined) return known;
    const log = new ServiceLog(
      { path: `${folder}/${part}.log`, clock, logger },
      { bytesMax: limits.serverLogBytesMax },
    );
    this.#logs.set(part, log);
    return log;
  }
}

/** The part that says so itself, or the core service that a failed call was for. */
function findPart({ part, path }: LogFields): ServerPart {
  const called = typeof path === "string" ? /^\/(\w+)[./]/.exec(path)?.[1] : undefined;
  return serverParts.find((each) => each === called) ?? serverParts.find((each) => each === part) ?? "server";
}
