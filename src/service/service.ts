import { MicroError } from "#base/error.ts";
import { stopAll, type Stoppable } from "#base/lifecycle.ts";
import { requireName } from "#base/name.ts";
import type { MethodImplementation } from "#rpc/method.ts";
import type { Caller, Origin } from "./caller.ts";
import type { EndpointDeclaration } from "./declaration.ts";
import { declareMethod } from "./declare-method.ts";
import type { ReadyCheck } from "./health.ts";
import type { Interceptor } from "./interceptor.ts";
import type { Network } from "./network.ts";
import { openNetwork } from "./open-network.ts";
import { runUntilSignal } from "./run-until-signal.ts";
import { startService, type Hook, type RunningService } from "./running-service.ts";
import type { Schema } from "./schema-kind.ts";
import { resolveServiceOptions, type ServiceConfig, type ServiceOptions } from "./service-options.ts";

/** Declares a service that others call by `name`. @throws MicroError `invalid_argument` when it is no name. */
export function service(name: string, options: ServiceOptions = {}): Service {
  return new Service(requireName("service", name), options);
}

/**
 * A service: what it answers is declared first, then it runs. All that it answers with is declared before it starts.
 *
 * It also calls others as itself, before it starts too: `createStore(service)` and its like are made from it.
 */
export class Service implements Origin, Stoppable {
  readonly name: string;
  readonly #options: ServiceOptions;
  readonly #methods: MethodImplementation[] = [];
  readonly #interceptors: Interceptor[] = [];
  readonly #startHooks: Hook[] = [];
  readonly #stopHooks: Hook[] = [];
  readonly #readyChecks: ReadyCheck[] = [];
  #config: ServiceConfig | undefined;
  #network: Network | undefined;
  #running: Promise<RunningService> | undefined;

  constructor(name: string, options: ServiceOptions) {
    this.name = name;
    this.#options = options;
  }

  /** The namespace that it lives in. @throws MicroError as `start` does for bad options. */
  get namespace(): string {
    return this.#resolve().namespace;
  }

  /** One call as the service itself. @throws MicroError also what `start` throws for bad options. */
  get call(): Caller["call"] {
    return this.#open().caller.call;
  }

  /** A stream as the service itself. @throws MicroError also what `start` throws for bad options. */
  get stream(): Caller["stream"] {
    return this.#open().caller.stream;
  }

  /**
   * Declares an endpoint with schemas of zod.
   *
   * @param name `Type.Method`; `Method` alone belongs to the type that is called as the service, which is where the
   * gateway's short paths lead: `Call` of service `helloworld` is `Helloworld.Call`
   * @throws MicroError `invalid_argument` for a name of another form, or one that was declared before.
   */
  endpoint<Request extends Schema, Response extends Schema>(
    name: string,
    declaration: EndpointDeclaration<Request, Response>,
  ): this {
    return this.add([declareMethod(this.name, name, declaration)]);
  }

  /** Adds methods that were made elsewhere, such as those of a .proto (`micro-ts/proto`). @throws MicroError as `endpoint`. */
  add(methods: readonly MethodImplementation[]): this {
    for (const method of methods) {
      const { endpoint } = method.spec;
      if (this.#methods.some((each) => each.spec.endpoint === endpoint)) {
        throw new MicroError("invalid_argument", `endpoint ${endpoint} of service ${this.name} is declared twice`);
      }
      this.#methods.push(method);
    }
    return this;
  }

  /** Runs around every call; the first one added is the outermost. */
  use(interceptor: Interceptor): this {
    this.#interceptors.push(interceptor);
    return this;
  }

  /** Runs before the service takes calls, in the order of addition; what it throws keeps the service from starting. */
  onStart(hook: Hook): this {
    this.#startHooks.push(hook);
    return this;
  }

  /** Runs after the last call ended, the last hook added first. */
  onStop(hook: Hook): this {
    this.#stopHooks.push(hook);
    return this;
  }

  /**
   * Says whether the service can take calls now: the runtime asks every ten seconds, and sends none while one of the checks
   * says no, throws, or takes longer than a second. The process goes on.
   */
  readyWhen(check: ReadyCheck): this {
    this.#readyChecks.push(check);
    return this;
  }

  /**
   * Listens and registers; for tests and for programs that are more than this service. Later calls await the first.
   *
   * @throws MicroError `unavailable` when there is no server, `invalid_argument` for bad options, `conflict` when the
   * address is in use, and what a start hook throws.
   */
  start(): Promise<RunningService> {
    this.#running ??= this.#start();
    return this.#running;
  }

  /** Leaves the registry, lets the calls in flight end, runs the stop hooks, closes the connections. */
  async stop(): Promise<void> {
    const running = await this.#running?.catch(() => undefined);
    await running?.stop();
    await this.#network?.stop();
  }

  /**
   * The whole life of a process that is this service: starts, serves until SIGTERM or SIGINT, stops and exits with 0. A
   * service that cannot start says why in one line on standard error and exits with 1.
   */
  async run(): Promise<void> {
    await runUntilSignal(this);
  }

  async #start(): Promise<RunningService> {
    const config = this.#resolve();
    const network = this.#open();
    const parts = {
      methods: this.#methods,
      interceptors: this.#interceptors,
      startHooks: this.#startHooks,
      stopHooks: this.#stopHooks,
      readyChecks: this.#readyChecks,
    };
    try {
      const running = await startService(parts, config, network);
      return { ...running, stop: () => stopAll([network, running]) };
    } catch (reason) {
      await network.stop();
      throw reason;
    }
  }

  #resolve(): ServiceConfig {
    this.#config ??= resolveServiceOptions(this.name, this.#options);
    return this.#config;
  }

  #open(): Network {
    const { environment, namespace } = this.#resolve();
    this.#network ??= openNetwork(environment, namespace);
    return this.#network;
  }
}
