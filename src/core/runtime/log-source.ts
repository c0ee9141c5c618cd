import type { LogLine, LogQuery, Runtime, ServiceKey } from "#interface/runtime.ts";

/** Something that has a log: a version of a service, or a part of the server. */
export interface LogSource {
  readonly name: string;
  readonly version: string;
  read(query: LogQuery): AsyncIterable<LogLine>;
}

export function toLogSource(runtime: Pick<Runtime, "logs">, key: ServiceKey): LogSource {
  return { name: key.name, version: key.version, read: (query) => runtime.logs(key, query) };
}
