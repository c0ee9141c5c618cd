import { MicroError } from "#base/error.ts";
import { delay, type Stoppable } from "#base/lifecycle.ts";
import { limits } from "#base/limits.ts";
import type { Logger } from "#base/logger.ts";
import { isName } from "#base/name.ts";
import type { Registry } from "#interface/registry.ts";
import type { ServiceKey } from "#interface/runtime.ts";
import type { HttpClient } from "#rpc/http-client.ts";
import type { HttpListener } from "#rpc/http-exchange.ts";
import type { MethodImplementation, ServiceTable } from "#rpc/method.ts";
import { reflectTables } from "#rpc/reflection.ts";
import { listenRpc } from "#rpc/rpc-listener.ts";
import { createRpcServer } from "#rpc/rpc-server.ts";
import { createServiceTable, resolveTables } from "#rpc/service-table.ts";
import type { Transport } from "#rpc/transport.ts";
import type { InstanceNodes } from "./instance-nodes.ts";
import { plainGrpcServices } from "./plain-grpc-service.ts";
import { plainHealthTable } from "./plain-health.ts";
import { plainHttpMethods } from "./plain-http-service.ts";
import type { PlainTarget } from "./plain-target.ts";
import { acceptsConnections, groupListensAt } from "./service-port.ts";

export interface PlainServicesDeps {
  readonly registry: Pick<Registry, "register">;
  readonly nodes: Pick<InstanceNodes, "has">;
  readonly http: HttpClient;
  readonly grpc: Transport;
  readonly logger: Logger;
  /** Names that no service of a user may take. */
  readonly reservedNames: ReadonlySet<string>;
  /** Where the socket of an adapter lies. */
  readonly socketPath: (instance: string) => string;
}

export interface PlainProcess extends PlainTarget {
  readonly key: ServiceKey;
  readonly instance: string;
  /** Also the id of its process group. */
  readonly pid: number;
  readonly say: (text: string) => void;
}

/** A process that has not come by then is asked less often, in milliseconds. */
const hastyMs = 10_000;
const hastyPauseMs = 25;
const calmPauseMs = 1_000;

/**
 * Registers services that know nothing of Micro: HTTP servers with their OpenAPI document, gRPC servers with reflection. As soon
 * as such a process listens, an adapter in this process answers for it, which turns calls into its requests. Who registers
 * himself needs none, and is left alone.
 */
export class PlainServices implements Stoppable {
  readonly #deps: PlainServicesDeps;
  readonly #running = new Map<AbortController, Promise<void>>();

  constructor(deps: PlainServicesDeps) {
    this.#deps = deps;
  }

  /** Looks after a process until the returned function is called: it is dead then, and out of the registry. */
  watch(process: PlainProcess): () => void {
    const ended = new AbortController();
    const task = this.#adapt(process, ended.signal)
      .catch((reason: unknown) => {
        const error = MicroError.from(reason);
        this.#deps.logger.error("a plain service could not be registered", { instance: process.instance, error });
        process.say(`it could not be registered: ${error.detail}`);
      })
      .finally(() => this.#running.delete(ended));
    this.#running.set(ended, task);
    return () => ended.abort();
  }

  async stop(): Promise<void> {
    for (const each of this.#running.keys()) each.abort();
    await Promise.all(this.#running.values());
  }

  async #adapt(process: PlainProcess, ended: AbortSignal): Promise<void> {
    if (!(await this.#awaitPort(process, ended))) return;
    const tables = await this.#readTables(process);
    if (ended.aborted || this.#deps.nodes.has(process.instance)) return;
    const listener = await this.#listen(process, tables);
    try {
      await this.#register(process, tables, listener.address);
      await untilAborted(ended);
    } finally {
      await listener.stop(limits.drainTimeoutMs);
    }
  }

  /** True when it listens and nobody knows it; false when it registered itself, or is over. */
  async #awaitPort({ instance, port, pid }: PlainProcess, ended: AbortSignal): Promise<boolean> {
    for (let waitedMs = 0; !ended.aborted && !this.#deps.nodes.has(instance);) {
      if ((await acceptsConnections(port)) && groupListensAt(port, pid)) return !ended.aborted;
      const pauseMs = waitedMs < hastyMs ? hastyPauseMs : calmPauseMs;
      await delay(pauseMs, ended);
      waitedMs += pauseMs;
    }
    return false;
  }

  async #readTables(process: PlainProcess): Promise<readonly ServiceTable[]> {
    const { key, port, openapi, say } = process;
    const target = { http: this.#deps.http, grpc: this.#deps.grpc, address: `127.0.0.1:${port}`, service: key.name };
    const httpMethods = await plainHttpMethods(target, openapi);
    if (httpMethods !== undefined) {
      say(`it listens at port ${port} and is registered as an HTTP service with ${count(httpMethods.length)}`);
      return [createServiceTable({ name: key.name, version: key.version, methods: httpMethods })];
    }
    const services = await plainGrpcServices(target);
    if (services === undefined) {
      throw new MicroError(
        "failed_precondition",
        `what listens at port ${port} speaks neither HTTP nor gRPC with reflection`,
      );
    }
    const methods = services.flatMap((each) => each.methods);
    say(`it listens at port ${port} and is registered as a gRPC service with ${count(methods.length)}`);
    const byName = new Map([[key.name, methods]]);
    // Stubs name the package of the .proto, whatever the deployment is called.
    for (const { packageName, methods: own } of services) {
      if (packageName === key.name || !isName("service", packageName) || this.#isReserved(packageName, key)) continue;
      byName.set(packageName, [...(byName.get(packageName) ?? []), ...own]);
    }
    return [...byName].map(([name, own]) =>
      createServiceTable({ name, version: key.version, methods: uniqueMethods(own) }),
    );
  }

  #isReserved(name: string, { namespace }: ServiceKey): boolean {
    return namespace === "micro" && this.#deps.reservedNames.has(name);
  }

  #listen(process: PlainProcess, tables: readonly ServiceTable[]): Promise<HttpListener> {
    const health = plainHealthTable({ http: this.#deps.http, ...process });
    const server = createRpcServer({
      resolve: resolveTables([...tables, health, ...reflectTables(tables)]),
      logger: this.#deps.logger,
      name: process.key.name,
    });
    return listenRpc({ address: `unix:${this.#deps.socketPath(process.instance)}`, server });
  }

  async #register({ key, instance }: PlainProcess, tables: readonly ServiceTable[], address: string): Promise<void> {
    const metadata = { protocol: "grpc", server: "plain", http: address, instance };
    for (const { name, version, endpoints } of tables) {
      const nodes = [{ id: `${name}-${instance}`, address, metadata }];
      // It leaves with its process, which is watched here.
      const entry = { name, version, metadata: {}, endpoints, nodes };
      await this.#deps.registry.register(entry, { domain: key.namespace, ttlMs: 0 });
    }
  }
}

function uniqueMethods(methods: readonly MethodImplementation[]): readonly MethodImplementation[] {
  return [...new Map(methods.map((each) => [each.spec.endpoint, each])).values()];
}

function count(endpoints: number): string {
  return endpoints === 1 ? "1 endpoint" : `${endpoints} endpoints`;
}

function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
