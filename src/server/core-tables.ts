import { systemClock } from "#base/clock.ts";
import { createAuthTable } from "#core/auth/auth-table.ts";
import type { Auth } from "#core/auth/auth.ts";
import { refusalsTo, reportRefusals } from "#core/auth/report-refusals.ts";
import type { BackupMakerDeps } from "#core/backup/backup-maker.ts";
import { backupMethods } from "#core/backup/backup-methods.ts";
import { blobMethods } from "#core/blob/blob-methods.ts";
import { brokerMethods } from "#core/broker/broker-methods.ts";
import { configMethods } from "#core/config/config-methods.ts";
import { eventsMethods } from "#core/events/events-methods.ts";
import { createRegistryTable } from "#core/registry/registry-table.ts";
import type { LocalRuntime } from "#core/runtime/local-runtime.ts";
import type { LogSource } from "#core/runtime/log-source.ts";
import { runtimeMethods } from "#core/runtime/runtime-methods.ts";
import type { ServerLogs } from "#core/runtime/server-logs.ts";
import { storeMethods } from "#core/store/store-methods.ts";
import { defaultNamespace } from "#interface/auth.ts";
import type { Registry } from "#interface/registry.ts";
import type { Store } from "#interface/store.ts";
import type { MethodImplementation, ServiceTable } from "#rpc/method.ts";
import { createServiceTable } from "#rpc/service-table.ts";
import type { ServerState } from "./open-state.ts";

export interface CoreServices {
  readonly auth: Auth;
  readonly registry: Registry;
  readonly runtime: LocalRuntime;
  readonly store: Store;
  readonly state: ServerState;
  readonly backup: BackupMakerDeps;
  /** What the server itself logs. */
  readonly serverLogs: ServerLogs;
}

/** Their rules are those of the installation, whoever calls them. */
const coreServiceNames: ReadonlySet<string> = new Set([
  "auth",
  "backup",
  "broker",
  "config",
  "events",
  "registry",
  "runtime",
  "store",
]);

/** The core services as tables of endpoints. */
export function createCoreTables(services: CoreServices, version: string): ServiceTable[] {
  const { auth, registry, runtime, store, state, backup, serverLogs } = services;
  const serverLog = (part: string): LogSource | undefined => serverLogs.find(part);
  const { rules } = auth;
  const table = (name: string, methods: readonly MethodImplementation[]): ServiceTable =>
    createServiceTable({ name, version, methods });
  const tables = [
    createAuthTable(auth, version, (service) => coreServiceNames.has(service)),
    table("backup", backupMethods(backup)),
    table("broker", brokerMethods({ ...state, rules })),
    table("config", configMethods({ ...state, rules })),
    table("events", eventsMethods({ ...state, rules })),
    createRegistryTable(registry, version),
    table("runtime", runtimeMethods({ runtime, sources: runtime.sources, clock: systemClock, serverLog })),
    table("store", [...storeMethods({ store, rules }), ...blobMethods({ ...state, rules })]),
  ];
  const report = refusalsTo(auth.audit);
  return tables.map((each) => reportRefusals(each, report));
}

/** Core services are in the registry like any other, so that everybody finds and describes them the same way. */
export async function registerCoreTables(
  registry: Registry,
  tables: readonly ServiceTable[],
  address: string,
): Promise<void> {
  for (const { name, version, endpoints } of tables) {
    const node = { id: `${name}-core`, address, metadata: { protocol: "grpc", server: "micro-ts", http: address } };
    const entry = { name, version, metadata: {}, endpoints, nodes: [node] };
    await registry.register(entry, { domain: defaultNamespace, ttlMs: 0 });
  }
}
