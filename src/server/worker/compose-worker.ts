import { systemClock } from "#base/clock.ts";
import type { Stoppable } from "#base/lifecycle.ts";
import { limits } from "#base/limits.ts";
import { silentLogger, type Logger } from "#base/logger.ts";
import { CachedTokenVerifier } from "#core/auth/cached-token-verifier.ts";
import { readPublicKey } from "#core/auth/signing-keys.ts";
import { TokenReader } from "#core/auth/token-reader.ts";
import type { Readiness } from "#gateway/readiness.ts";
import { CachedAccessRules } from "#interface/cached-access-rules.ts";
import type { CallGuard } from "#rpc/method.ts";
import { listenRpc } from "#rpc/rpc-listener.ts";
import type { ServerCall } from "#rpc/server-call.ts";
import { createEdges, type Edges } from "#server/create-edges.ts";
import { askCaller } from "#server/create-guard.ts";
import { openConnections, type Connections } from "#server/open-connections.ts";
import { OwnedParts } from "#server/owned-parts.ts";
import { createCoreProxy } from "./core-proxy.ts";
import { relayBlobs } from "./blob-relay.ts";
import type { MirrorDirectory } from "./mirror-directory.ts";
import type { MirrorRules } from "./mirror-rules.ts";
import { createWorkerGuard } from "./worker-guard.ts";
import type { WorkerStart } from "./worker-message.ts";

/** State of the server, kept up to date by whoever reads what the main process says. */
export interface WorkerState {
  readonly directory: MirrorDirectory;
  readonly rules: MirrorRules;
  readonly readiness: Readiness;
}

export interface WorkerDeps {
  readonly start: WorkerStart;
  readonly state: WorkerState;
  /** The last word on a call. */
  readonly judge: (call: ServerCall) => Promise<void>;
  readonly logger: Logger;
}

/** A worker that listens. */
export interface ComposedWorker extends Stoppable {
  /** Stops the gateway alone: the requests inside need the services, which the main process stops next. */
  drain(): Promise<void>;
  /** Calls from here to this address that are under way. */
  callsUnderWay(address: string): number;
}

/** The edges of a server once more, in another process. @throws MicroError that names the address which cannot be had. */
export async function composeWorker(deps: WorkerDeps): Promise<ComposedWorker> {
  const parts = new OwnedParts();
  try {
    return await listen(deps, parts);
  } catch (reason) {
    await parts.stop();
    throw reason;
  }
}

async function listen(deps: WorkerDeps, parts: OwnedParts): Promise<ComposedWorker> {
  const { start } = deps;
  const connections = openConnections({ directory: deps.state.directory, logger: deps.logger }, parts);
  const { rpc, gateway } = createWorkerEdges(deps, connections, parts);
  for (const address of start.rpcAddresses) {
    const listener = await listenRpc({ address, server: rpc, reusePort: true });
    parts.own({ stop: () => listener.stop(limits.drainTimeoutMs) });
  }
  const tls = start.tls === undefined ? {} : { tls: start.tls };
  const front = await gateway.listen(start.gatewayAddress, { ...tls, reusePort: true });
  const drain = (): Promise<void> => front.stop(limits.drainTimeoutMs);
  parts.own({ stop: drain });
  const { selector } = connections;
  return { drain, callsUnderWay: (address) => selector.callsUnderWay(address), stop: () => parts.stop() };
}

function createWorkerEdges(
  { start, state, judge, logger }: WorkerDeps,
  connections: Connections,
  parts: OwnedParts,
): Edges {
  const { directory, readiness } = state;
  const { mainAddress, coreNames, gatewayOptions, version } = start;
  const node = { id: "main", address: mainAddress, metadata: { http: mainAddress } };
  const main = openConnections({ directory: { nodes: () => [node] }, logger }, parts);
  const cores = createCoreProxy({ client: main.client, directory, names: coreNames });
  const isCore = (service: string): boolean => cores.has(service);
  const ask = createMirrorGuard({ start, state, isCore });
  return createEdges({
    connections,
    directory,
    core: (service) => cores.get(service),
    guard: createWorkerGuard({ ask, judge, directory, isCore }),
    answerBlob: relayBlobs(start.blobSocket),
    readiness,
    gatewayOptions,
    logger,
    version,
  });
}

/** The guard by what this process knows. Its parts last as long as the process. */
function createMirrorGuard({
  start,
  state,
  isCore,
}: Pick<WorkerDeps, "start" | "state"> & { readonly isCore: (service: string) => boolean }): CallGuard {
  const { rules: mirror } = state;
  // Refused tokens are logged by the main process, which has the last word on them.
  const codec = new TokenReader({ keys: readPublicKey(start.publicKey), clock: systemClock, logger: silentLogger });
  const verifier = new CachedTokenVerifier({ codec, cutoffs: mirror, clock: systemClock });
  const rules = new CachedAccessRules({
    rulesOf: (namespace) => mirror.rulesOf(namespace),
    onChange: (listener) => mirror.onRules(listener),
  });
  return askCaller({ verifier, rules, isCore });
}
