import type { Clock } from "#base/clock.ts";
import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import type { LogsRequest, Runtime as RuntimeService } from "#gen/runtime/runtime_pb.ts";
import { defaultNamespace } from "#interface/auth.ts";
import { requireNamespaceAdmin } from "#interface/namespace-access.ts";
import type { LogQuery, Runtime, ServiceKey } from "#interface/runtime.ts";
import type { ProtoHandlers } from "#rpc/proto-service.ts";
import { toLogSource, type LogSource } from "./log-source.ts";
import { mergeLogs } from "./merge-logs.ts";
import { toWireLog } from "./runtime-wire.ts";

export interface LogsHandlerDeps {
  readonly runtime: Pick<Runtime, "read" | "logs">;
  readonly clock: Clock;
  /** What a part of the server logs, by its name. */
  readonly serverLog: (part: string) => LogSource | undefined;
}

/**
 * `Runtime.Logs`: for administrators of a namespace the logs of its services, for those of the installation what the server
 * itself logs, under the names of its parts that no service has.
 */
export function logsHandler(deps: LogsHandlerDeps): NonNullable<ProtoHandlers<typeof RuntimeService>["logs"]> {
  return async function* (request, call) {
    const { namespace: named = "" } = request.options ?? {};
    const namespace = named === "" ? defaultNamespace : named;
    requireNamespaceAdmin(call.account, namespace, call.endpoint);
    const sources = await findSources(deps, request, namespace);
    const query = { ...toLogQuery(request), signal: call.signal };
    for await (const { source, line } of mergeLogs(deps.clock, sources, query)) yield toWireLog(source, line);
  };
}

async function findSources(
  deps: LogsHandlerDeps,
  { service, services, version }: LogsRequest,
  namespace: string,
): Promise<readonly LogSource[]> {
  const names = new Set([service, ...services].filter((name) => name !== ""));
  if (names.size === 0) throw new MicroError("invalid_argument", "service name is missing");
  if (names.size > limits.logSourceCountMax) throw tooMany();
  const found = await Promise.all([...names].map((name) => findByName(deps, { namespace, name, version })));
  const sources = found.flat();
  if (sources.length > limits.logSourceCountMax) throw tooMany();
  return sources;
}

async function findByName(deps: LogsHandlerDeps, key: ServiceKey): Promise<readonly LogSource[]> {
  const { namespace, name, version } = key;
  const filter = { namespace, ...(name === "*" ? {} : { name }), ...(version === "" ? {} : { version }) };
  const deployed = await deps.runtime.read(filter);
  if (deployed.length > 0 || name === "*") return deployed.map((each) => toLogSource(deps.runtime, each));
  // Who administers the namespace of the core services administers the installation.
  const part = namespace === defaultNamespace && version === "" ? deps.serverLog(name) : undefined;
  if (part !== undefined) return [part];
  const which = version === "" ? name : `${name}:${version}`;
  throw new MicroError("not_found", `service ${which} is not deployed in namespace ${namespace}`);
}

function tooMany(): MicroError {
  const detail = `the logs of more than ${limits.logSourceCountMax} services do not fit one answer: name some`;
  return new MicroError("invalid_argument", detail);
}

function toLogQuery({ stream, count, since, instance, grep }: LogsRequest): LogQuery {
  return {
    follow: stream,
    ...(count > 0n ? { count: Number(count) } : {}),
    ...(since > 0n ? { sinceMs: Number(since) * 1_000 } : {}),
    ...(instance === "" ? {} : { instance }),
    ...(grep === "" ? {} : { grep }),
  };
}
