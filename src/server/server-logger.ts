import { systemClock } from "#base/clock.ts";
import { createLogger, type Logger } from "#base/logger.ts";
import { version } from "#base/version.ts";
import { ServerLogs } from "#core/runtime/server-logs.ts";
import type { ServerConfig } from "./server-options.ts";

/** The log of the server: every line goes to standard error and, by the part that it is from, to files. */
export interface ServerLogger {
  readonly logger: Logger;
  readonly serverLogs: ServerLogs;
  /** Takes the finished line of another process of the server. */
  readonly relay: (line: string) => void;
}

export function createServerLogger({ logLevel: level, paths }: ServerConfig): ServerLogger {
  const print = (line: string): void => void process.stderr.write(`${line}\n`);
  // What goes wrong with the files themselves is only printed.
  const printer = createLogger({ level, write: print });
  const folder = paths.serverLogsFolder;
  const serverLogs = new ServerLogs({ folder, version, clock: systemClock, logger: printer });
  const write = (line: string, fields: Readonly<Record<string, unknown>>): void => {
    print(line);
    serverLogs.write(line, fields);
  };
  const relay = (line: string): void => {
    const part = / part=(\w+)/.exec(line)?.[1];
    write(line, part === undefined ? {} : { part });
  };
  return { logger: createLogger({ level, write }), serverLogs, relay };
}
