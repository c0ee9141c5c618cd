import { MicroError } from "#base/error.ts";
import { stopAll, type Stoppable } from "#base/lifecycle.ts";
import type { Logger } from "#base/logger.ts";
import type { MethodImplementation, ServiceTable } from "#rpc/method.ts";
import { reflectTables } from "#rpc/reflection.ts";
import { createServiceTable, resolveTables } from "#rpc/service-table.ts";
import { createAccountVerifier } from "./account-verifier.ts";
import { createServiceGuard } from "./call-guard.ts";
import type { Caller } from "./caller.ts";
import { createContext } from "./context.ts";
import { enterRegistry } from "./enter-registry.ts";
import { createHealthAnswer, createHealthTable, type ReadyCheck } from "./health.ts";
import { withContext, type Interceptor } from "./interceptor.ts";
import type { Network } from "./network.ts";
import { Registration } from "./registration.ts";
import { openListeners, type ServiceListeners } from "./service-listeners.ts";
import { createRulesCheck } from "./rules-check.ts";
import { RulesWatch } from "./rules-watch.ts";
import type { ServiceConfig } from "./service-options.ts";

/** What a hook may use: the service's own way to others. */
export interface HookContext extends Caller {
  readonly logger: Logger;
}

/** Runs before a service takes calls, or after it took its last one. */
export type Hook = (context: HookContext) => void | Promise<void>;

/** What a service is made of. */
export interface ServiceParts {
  readonly methods: readonly MethodImplementation[];
  readonly interceptors: readonly Interceptor[];
  readonly startHooks: readonly Hook[];
  readonly stopHooks: readonly Hook[];
  readonly readyChecks: readonly ReadyCheck[];
}

/** A service that listens and is registered. */
export interface RunningService extends Stoppable {
  /** Where it speaks gRPC: `host:port` or `unix:/path`. */
  readonly address: string;
  /** Where plain HTTP is fastest. */
  readonly httpAddress: string;
  readonly nodeId: string;
  /** Leaves the registry, lets the calls in flight end, runs the stop hooks. */
  stop(): Promise<void>;
}

/**
 * Starts a service: hooks, then listeners, then the registry, so that nobody finds it before it can answer.
 *
 * @throws MicroError of whichever step failed; the steps before are undone.
 */
export async function startService(
  parts: ServiceParts,
  config: ServiceConfig,
  network: Network,
): Promise<RunningService> {
  const { logger } = config;
  const hookContext: HookContext = { logger, call: network.caller.call, stream: network.caller.stream };
  const started: Stoppable[] = [{ stop: () => runHooks(parts.stopHooks.toReversed(), hookContext) }];
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopped ??= stopAll(started));
  try {
    await runHooks(parts.startHooks, hookContext);
    const table = createTable(parts, config, network);
    const watch = openRules(config, network);
    if (watch !== undefined) started.push(watch);
    const listeners = await openListeners(
      config.address,
      serverOptions(table, config, { watch, checks: parts.readyChecks }),
    );
    started.push({ stop: () => listeners.stop(config.drainTimeoutMs) });
    const nodeId = `${config.name}-${crypto.randomUUID()}`;
    const registration = createRegistration({ table, listeners, nodeId }, config, network);
    await enterRegistry(registration, config.environment, logger);
    started.push(registration);
    logger.info("serving", { service: config.name, version: config.version, address: listeners.address });
    return { address: listeners.address, httpAddress: listeners.httpAddress, nodeId, stop };
  } catch (reason) {
    const error = MicroError.from(reason);
    await stop().catch((second: unknown) => logger.warn("could not stop cleanly", { error: MicroError.from(second) }));
    throw error;
  }
}

function createTable(parts: ServiceParts, config: ServiceConfig, network: Network): ServiceTable {
  const deps = { logger: config.logger, callerFor: network.callerFor.bind(network) };
  const methods = parts.methods.map((each) =>
    withContext(each, (call) => createContext(deps, call), parts.interceptors),
  );
  return createServiceTable({ name: config.name, version: config.version, methods });
}

/** Asks for the rules while the listeners open: the first calls come once the registry knows the service. */
function openRules(
  { checksRules, environment, namespace, logger }: ServiceConfig,
  network: Network,
): RulesWatch | undefined {
  // Who has no identity may not read rules: it is in nobody's registry either.
  if (!checksRules || environment.credentials() === undefined) return undefined;
  const watch = new RulesWatch({ calls: network.rules, logger, namespace });
  watch.start();
  return watch;
}

function serverOptions(
  table: ServiceTable,
  config: ServiceConfig,
  { watch, checks }: { readonly watch: RulesWatch | undefined; readonly checks: readonly ReadyCheck[] },
): Parameters<typeof openListeners>[1] {
  const { name, namespace } = config;
  const rules = watch === undefined ? undefined : createRulesCheck(watch, name, namespace);
  return {
    name: config.name,
    logger: config.logger,
    resolve: resolveTables([table, createHealthTable(checks), ...reflectTables([table])]),
    guard: createServiceGuard({
      verifier: createAccountVerifier(config.environment.publicKey, watch),
      namespace,
      rules,
    }),
    other: createHealthAnswer(checks),
  };
}

function createRegistration(
  { table, listeners, nodeId }: { table: ServiceTable; listeners: ServiceListeners; nodeId: string },
  config: ServiceConfig,
  network: Network,
): Registration {
  const node = {
    id: nodeId,
    address: listeners.address,
    metadata: { protocol: "grpc", server: "micro-ts", http: listeners.httpAddress },
  };
  const { name, version, metadata, namespace: domain, heartbeatMs, logger } = config;
  const entry = { name, version, metadata, endpoints: table.endpoints, nodes: [node] };
  return new Registration({ registry: network.registry, logger }, { entry, domain, heartbeatMs });
}

async function runHooks(hooks: readonly Hook[], context: HookContext): Promise<void> {
  for (const hook of hooks) await hook(context);
}
