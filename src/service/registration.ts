import { backoffMs } from "#base/backoff.ts";
import { MicroError } from "#base/error.ts";
import type { JsonObject } from "#base/json.ts";
import { delay, type Stoppable } from "#base/lifecycle.ts";
import { limits } from "#base/limits.ts";
import type { Logger } from "#base/logger.ts";
import type { ServiceEntry } from "#interface/registry.ts";
import { createTimedSignal } from "./timed-signal.ts";

/** How a registration reaches the registry service. */
export interface RegistryCalls {
  /** One call of `registry/ENDPOINT`. */
  readonly call: (endpoint: string, body: JsonObject, signal: AbortSignal) => Promise<unknown>;
  /** A stream of `registry/ENDPOINT`. */
  readonly stream: (endpoint: string, body: JsonObject, signal: AbortSignal) => AsyncIterable<unknown>;
}

export interface RegistrationDeps {
  readonly registry: RegistryCalls;
  readonly logger: Logger;
}

export interface RegistrationOptions {
  readonly entry: ServiceEntry;
  readonly domain: string;
  /** Time between two beats, in milliseconds. @default limits.registryHeartbeatMs */
  readonly heartbeatMs?: number;
}

/** One call of the registry takes a millisecond; a server that is silent for this long is treated as gone. */
const callTimeoutMs = 5_000;

/** Time for the edges to hear that a node left before it refuses calls, in milliseconds. They hear of it in less than ten. */
const leaveGraceMs = 100;

/** A lifeline that broke sooner than this is not opened again before the next beat: the server does not want it. */
const lifelineLifeMinMs = 1_000;

/**
 * Keeps a service in the registry: a beat every 30 s, quick attempts with back-off after a failed one, and one at once
 * when the server goes away and comes back.
 */
export class Registration implements Stoppable {
  readonly #deps: RegistrationDeps;
  readonly #body: JsonObject;
  readonly #lifelineBody: JsonObject;
  readonly #heartbeatMs: number;
  readonly #ending = new AbortController();
  #keeping: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;

  constructor(deps: RegistrationDeps, options: RegistrationOptions) {
    this.#deps = deps;
    this.#body = toRegisterBody(options);
    this.#heartbeatMs = options.heartbeatMs ?? limits.registryHeartbeatMs;
    // Nobody has this name, so the watch says nothing until the server ends, which is all that we want to know.
    const name = `lifeline-${crypto.randomUUID()}`;
    this.#lifelineBody = { service: name, options: { domain: options.domain }, snapshots: true };
  }

  /** Registers, then keeps it so. @throws MicroError of the first attempt; nothing runs then. */
  async start(): Promise<void> {
    await this.#register();
    this.#keeping = this.#keep();
  }

  /** Leaves the registry and gives its readers a moment to notice. A registry that cannot be reached is no failure: the entry ends with its TTL. */
  stop(): Promise<void> {
    this.#stopped ??= this.#leave();
    return this.#stopped;
  }

  async #leave(): Promise<void> {
    this.#ending.abort();
    if (this.#keeping === undefined) return;
    await this.#keeping;
    try {
      await this.#deps.registry.call("Registry.Deregister", this.#body, AbortSignal.timeout(callTimeoutMs));
      // Whoever found us a moment ago may still be on the way.
      await delay(leaveGraceMs);
    } catch (reason) {
      this.#deps.logger.debug("could not leave the registry", { error: MicroError.from(reason) });
    }
  }

  async #keep(): Promise<void> {
    const { signal } = this.#ending;
    while (!signal.aborted) {
      const openedAtMs = performance.now();
      await this.#beatWhile(this.#holdLifeline());
      await this.#registerUntilHeard();
      if (performance.now() - openedAtMs >= lifelineLifeMinMs) continue;
      await delay(this.#heartbeatMs, signal);
      await this.#registerUntilHeard();
    }
  }

  /** Beats for as long as the lifeline holds. To open it anew with each beat would cost a server of many services more than the beats. */
  async #beatWhile(lifeline: Promise<void>): Promise<void> {
    const broken = new AbortController();
    const watching = lifeline.then(() => broken.abort());
    for (;;) {
      await delay(this.#heartbeatMs, broken.signal);
      if (broken.signal.aborted) return watching;
      await this.#registerUntilHeard();
    }
  }

  /** Resolves when the server went away, or the service ends. */
  async #holdLifeline(): Promise<void> {
    const { signal } = this.#ending;
    try {
      for await (const _event of this.#deps.registry.stream("Registry.Watch", this.#lifelineBody, signal)) {
        if (signal.aborted) break;
      }
    } catch {
      // However it broke, the answer is the same: see whether the registry still knows us.
    }
  }

  async #registerUntilHeard(): Promise<void> {
    const { signal } = this.#ending;
    for (let attempt = 1; !signal.aborted; attempt += 1) {
      try {
        await this.#register();
        if (attempt > 1) this.#deps.logger.info("registered again", { attempt });
        return;
      } catch (reason) {
        const error = MicroError.from(reason);
        if (attempt === 1 && !signal.aborted) this.#deps.logger.warn("lost the registry, trying again", { error });
        // The server is usually back within a second; a crowd of services must not hold it down then.
        await delay(backoffMs(attempt, { initialMs: 50, maxMs: 2_000, jitter: 0.5 }), signal);
      }
    }
  }

  async #register(): Promise<void> {
    const { signal, release } = createTimedSignal(this.#ending.signal, callTimeoutMs);
    try {
      await this.#deps.registry.call("Registry.Register", this.#body, signal);
    } finally {
      release();
    }
  }
}

/** The JSON of `registry.Service`. */
function toRegisterBody(options: RegistrationOptions): JsonObject {
  const { name, version, metadata, endpoints, nodes } = options.entry;
  return {
    name,
    version,
    metadata,
    endpoints: endpoints.map((each) => ({
      name: each.name,
      request: toValueBody(each.request),
      response: toValueBody(each.response),
      metadata: each.metadata,
    })),
    nodes: nodes.map((each) => ({ id: each.id, address: each.address, metadata: each.metadata })),
    options: { ttl: String(limits.registryTtlMs / 1_000), domain: options.domain },
  };
}

function toValueBody(value: ServiceEntry["endpoints"][number]["request"]): JsonObject {
  return { name: value.name, type: value.type, values: value.values.map(toValueBody) };
}
