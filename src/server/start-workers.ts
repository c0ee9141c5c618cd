import type { ServerAddresses } from "#base/home.ts";
import type { Stoppable } from "#base/lifecycle.ts";
import { limits } from "#base/limits.ts";
import type { Logger } from "#base/logger.ts";
import type { GatewayTls } from "#gateway/listen-gateway.ts";
import type { BlobAnswerer } from "#gateway/public-blobs.ts";
import { createForwarder } from "#proxy/forwarder.ts";
import type { ServiceDirectory } from "#interface/registry.ts";
import { IncomingCall } from "#rpc/incoming-call.ts";
import type { CallGuard } from "#rpc/method.ts";
import { listenRpc } from "#rpc/rpc-listener.ts";
import { createRpcServer } from "#rpc/rpc-server.ts";
import type { ServerCall } from "#rpc/server-call.ts";
import type { ServerGuard } from "./create-guard.ts";
import type { Connections } from "./open-connections.ts";
import type { OwnedParts } from "./owned-parts.ts";
import type { ServerConfig } from "./server-options.ts";
import { listenForBlobs } from "./worker/blob-relay.ts";
import { relayedPeerHeader } from "./worker/core-proxy.ts";
import { openWorkerFeed, type WorkerFeedDeps } from "./worker/worker-feed.ts";
import type { JudgedCall, WorkerStart } from "./worker/worker-message.ts";
import { WorkerPool } from "./worker/worker-pool.ts";

export interface WorkersDeps extends ServerGuard {
  readonly config: ServerConfig;
  readonly addresses: ServerAddresses;
  readonly tls: GatewayTls | undefined;
  /** Services that only the main process answers for. */
  readonly coreNames: readonly string[];
  readonly publicKey: string;
  readonly directory: ServiceDirectory;
  readonly connections: Connections;
  readonly answerBlob: BlobAnswerer;
  readonly feed: WorkerFeedDeps;
  readonly logger: Logger;
  /** Takes a line of a worker's log. */
  readonly relayLine: (line: string) => void;
  readonly version: string;
}

/** The further processes of a server. */
export interface Workers extends Stoppable {
  /** Lets the requests at their gateways end. */
  drain(): Promise<void>;
  /** Calls from them to these addresses that are under way. */
  callsUnderWay(addresses: readonly string[]): Promise<number>;
}

export const noWorkers: Workers = Object.freeze({
  drain: () => Promise.resolve(),
  callsUnderWay: () => Promise.resolve(0),
  stop: () => Promise.resolve(),
});

/** Starts them, and waits until they listen. One that cannot is reported, and tried again: the server goes on without it. */
export async function startWorkers(deps: WorkersDeps, parts: OwnedParts): Promise<Workers> {
  const { guard, logger } = deps;
  const { workerCount } = deps.config;
  if (workerCount === 0) return noWorkers;
  await listenForWorkers(deps, parts);
  const pool = new WorkerPool(
    {
      command: workerCommand(),
      env: workerEnvironment(process.env),
      start: toWorkerStart(deps),
      openFeed: (tell) => openWorkerFeed(deps.feed, tell),
      judge: async (call) => guard(toServerCall(call)),
      relayLine: deps.relayLine,
      logger,
    },
    workerCount,
  );
  parts.own(pool);
  await pool.started;
  return pool;
}

/** Where workers bring the calls that they cannot answer: for the owner of the home alone, and believed about who called. */
async function listenForWorkers(deps: WorkersDeps, parts: OwnedParts): Promise<void> {
  const { config, directory, connections, core, guard, logger } = deps;
  const relayed: CallGuard = (call) => {
    if (call instanceof IncomingCall) call.relayFor(call.metadata[relayedPeerHeader] ?? "");
    return guard(call);
  };
  const resolve = createForwarder({ client: connections.client, directory, core });
  const server = createRpcServer({ resolve, guard: relayed, logger, name: "micro" });
  const listener = await listenRpc({ address: `unix:${config.paths.workerSocket}`, server });
  parts.own({ stop: () => listener.stop(limits.drainTimeoutMs) });
  parts.own(await listenForBlobs(config.paths.workerBlobSocket, deps.answerBlob));
}

function toWorkerStart({ config, addresses, tls, coreNames, publicKey, version }: WorkersDeps): WorkerStart {
  const { gateway, network, proxy, registry, broker } = addresses;
  return {
    gatewayAddress: gateway,
    rpcAddresses: [network, proxy, registry, broker].filter((each) => each !== undefined),
    tls,
    gatewayOptions: config.gateway,
    logLevel: config.logLevel,
    version,
    mainAddress: `unix:${config.paths.workerSocket}`,
    blobSocket: config.paths.workerBlobSocket,
    coreNames,
    publicKey,
  };
}

/** This program again; in a checkout it is Bun with the file of the command line. */
function workerCommand(): readonly string[] {
  const isSingleExecutable = Bun.main.startsWith("/$bunfs/");
  return [process.execPath, ...(isSingleExecutable ? [] : [Bun.main]), "__worker"];
}

/** What a program needs on any machine. All else is told, and secrets of this process are nobody else's. */
function workerEnvironment(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const kept: Record<string, string> = {
    // Public blobs come from the main process by fetch, which would carry 256 at a time.
    BUN_CONFIG_MAX_HTTP_REQUESTS: "65336",
  };
  for (const name of ["HOME", "PATH", "TMPDIR", "TZ", "LANG", "LD_LIBRARY_PATH", "BUN_INSTALL"]) {
    const value = env[name];
    if (value !== undefined) kept[name] = value;
  }
  return kept;
}

function toServerCall(call: JudgedCall): ServerCall {
  const signal = AbortSignal.abort();
  return { ...call, encoding: "json", signal, deadlineMs: undefined, account: undefined, namespace: "" };
}
