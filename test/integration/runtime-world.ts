import { systemClock } from "#base/clock.ts";
import { createLogger, silentLogger, type Logger } from "#base/logger.ts";
import type { ServiceNode } from "#interface/registry.ts";
import type { RuntimeService, ServiceKey } from "#interface/runtime.ts";
import type { RuntimeEvent } from "#interface/runtime-event.ts";
import type { Store } from "#interface/store.ts";
import { openConfigKeys } from "#core/config/config-keys.ts";
import { Secrets } from "#core/config/secrets.ts";
import { createHttpClient } from "#platform/http-client.ts";
import { GrpcTransport } from "#rpc/grpc-transport.ts";
import { StoreConfig } from "#core/config/store-config.ts";
import { ServiceSecrets } from "#core/runtime/service-secrets.ts";
import { MemoryRegistry } from "#core/registry/memory-registry.ts";
import { GitCredentials } from "#core/runtime/git-credentials.ts";
import { LocalRuntime } from "#core/runtime/local-runtime.ts";
import type { LocalRuntimeOptions } from "#core/runtime/local-runtime-options.ts";
import type { NodeHealth } from "#core/runtime/watch-health.ts";
import { SqliteStore } from "#core/store/sqlite-store.ts";

const probeTimeoutMs = 500;

/** A runtime with everything around it, for real: a store on disk, a registry, and a small network that services register at. */
export interface RuntimeWorld extends AsyncDisposable {
  readonly runtime: LocalRuntime;
  readonly registry: MemoryRegistry;
  readonly store: Store;
  readonly config: StoreConfig;
  /** Launches that were revoked, `namespace/service:version`. */
  readonly revoked: readonly string[];
  /** What the runtime said that happened, in order. */
  readonly told: readonly RuntimeEvent[];
  upload(key: ServiceKey, files: Readonly<Record<string, string>>): Promise<string>;
  /** The one service of that key. */
  state(key: ServiceKey): Promise<RuntimeService>;
}

export interface RuntimeWorldOptions extends LocalRuntimeOptions {
  readonly folder: string;
  readonly isVerbose?: boolean;
}

/** Starts a runtime on `folder`, which may hold what an earlier one left. */
export async function startRuntimeWorld({
  folder,
  isVerbose = false,
  ...options
}: RuntimeWorldOptions): Promise<RuntimeWorld> {
  const logger: Logger = isVerbose
    ? createLogger({ write: (line) => process.stderr.write(`${line}\n`) })
    : silentLogger;
  const store = await SqliteStore.open({ folder: `${folder}/store` });
  const registry = new MemoryRegistry({ clock: systemClock });
  const network = serveNetwork(registry);
  const revoked: string[] = [];
  const http = createHttpClient();
  const grpc = new GrpcTransport();
  const told: RuntimeEvent[] = [];
  const keys = await openConfigKeys(`${folder}/config_secret_key`);
  const sealer = new Secrets(keys);
  const config = new StoreConfig({ store, keys, logger });
  const runtime = new LocalRuntime(
    {
      store,
      registry,
      http,
      grpc,
      identities: {
        issue: async ({ instance }) => ({ id: instance, secret: "secret" }),
        revoke: async ({ namespace, service, version }) => {
          revoked.push(`${namespace}/${service}:${version}`);
        },
      },
      config,
      secrets: new ServiceSecrets({ store, secrets: sealer }),
      credentials: new GitCredentials({ store, secrets: sealer }),
      logger,
      clock: systemClock,
      events: { emit: (event) => void told.push(event) },
      paths: { runtimeFolder: `${folder}/runtime`, logsFolder: `${folder}/logs` },
      networkAddress: () => `127.0.0.1:${network.port}`,
      publicKey: "public key",
      probe: askNode,
      callsTo: async () => 0,
      provideSdk: async () => undefined,
      serverEnv: { ...process.env, SERVER_SECRET: "of the server" },
    },
    options,
  );
  await runtime.start();
  return {
    runtime,
    registry,
    store,
    config,
    revoked,
    told,
    upload: (key, files) => runtime.sources.put(key, { chunks: packArchive(files) }),
    state: async (key) => {
      const [found] = await runtime.read(key);
      if (found === undefined) throw new Error(`${key.name} is not deployed`);
      return found;
    },
    [Symbol.asyncDispose]: async () => {
      await runtime.stop();
      await config.stop();
      await Promise.all([registry.stop(), http.close(), grpc.close()]);
      await network.stop(true);
      await store.close();
    },
  };
}

/** A tar archive of files by name. */
export async function* packArchive(files: Readonly<Record<string, string>>): AsyncGenerator<Uint8Array> {
  yield await new Bun.Archive({ ...files }).bytes();
}

/** Services post what they are; their account is their instance. */
function serveNetwork(registry: MemoryRegistry): Bun.Server<undefined> {
  return Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    development: false,
    fetch: async (request) => {
      const said = (await request.json()) as Record<"namespace" | "name" | "version" | "instance" | "address", string>;
      const { namespace: domain, name, version, instance, address } = said;
      const nodes = [{ id: `${name}-${instance}`, address, metadata: { instance } }];
      await registry.register({ name, version, metadata: {}, endpoints: [], nodes }, { domain });
      return new Response();
    },
  });
}

/** A service is well while it answers 200, and cannot serve when it answers anything else. */
async function askNode({ address }: ServiceNode): Promise<NodeHealth> {
  try {
    const options = { unix: address.slice("unix:".length), signal: AbortSignal.timeout(probeTimeoutMs) };
    return (await fetch("http://service/health", options)).status === 200 ? "serving" : "not_serving";
  } catch {
    return "silent";
  }
}

/** A service that answers with `answer` and registers; then `more` runs. */
export function serviceProgram(answer: string, more = ""): string {
  return `
const env = process.env;
Bun.serve({ unix: env.MICRO_SERVICE_ADDRESS.slice(5), fetch: () => new Response(${JSON.stringify(answer)}) });
const said = { namespace: env.MICRO_NAMESPACE, name: env.MICRO_SERVICE_NAME, version: env.MICRO_SERVICE_VERSION, instance: env.MICRO_CLIENT_ID, address: env.MICRO_SERVICE_ADDRESS };
await fetch("http://" + env.MICRO_SERVICE_NETWORK + "/register", { method: "POST", body: JSON.stringify(said) });
console.log("up");
${more}
`;
}
