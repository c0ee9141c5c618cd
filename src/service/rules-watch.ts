import { backoffMs } from "#base/backoff.ts";
import { MicroError } from "#base/error.ts";
import type { JsonObject } from "#base/json.ts";
import type { Stoppable } from "#base/lifecycle.ts";
import type { Logger } from "#base/logger.ts";
import type { Rule } from "#interface/auth.ts";
import { readRuleNews, type RuleNews } from "./rules-wire.ts";
import { createTimedSignal } from "./timed-signal.ts";

/** Calls of the auth service that a watch makes. */
export interface RulesCalls {
  list(body: JsonObject, signal: AbortSignal): Promise<unknown>;
  watch(body: JsonObject, signal: AbortSignal): AsyncIterable<unknown>;
}

export interface RulesWatchDeps {
  readonly calls: RulesCalls;
  readonly logger: Logger;
  readonly namespace: string;
}

/** A list that takes longer is asked for again. */
const listTimeoutMs = 5_000;

/** A watch is begun anew after this time, so that one whose server is gone without a word does not last. */
const watchLifeMs = 5 * 60_000;

/**
 * The rules of a namespace as they are now. The first are asked for, then the auth service says what changes; while it is
 * away those that are known go on. Before any are known nothing may be decided, but for a server that has none to tell.
 */
export class RulesWatch implements Stoppable {
  readonly #deps: RulesWatchDeps;
  readonly #ending = new AbortController();
  readonly #body: JsonObject;
  /** Waits until rules are known, or the watch has stopped. */
  readonly known: Promise<void>;
  #setKnown: () => void = () => undefined;
  readonly #generations = new Map<string, number>();
  #rules: readonly Rule[] | "none to tell" | undefined;
  #version = 0;
  #running: Promise<void> | undefined;

  constructor(deps: RulesWatchDeps) {
    this.#deps = deps;
    this.known = new Promise((resolve) => {
      this.#setKnown = resolve;
    });
    this.#body = { options: { namespace: deps.namespace } };
  }

  /** Undefined while none are known; "none to tell" when the server is one that has no rules. */
  get rules(): readonly Rule[] | "none to tell" | undefined {
    return this.#rules;
  }

  /** Grows with each change of the rules and of the tokens that have ended. */
  get version(): number {
    return this.#version;
  }

  /** First generation of the tokens of an account that counts; 0 when all do. */
  firstGeneration(namespace: string, id: string): number {
    return namespace === this.#deps.namespace ? (this.#generations.get(id) ?? 0) : 0;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#ending.abort();
    this.#setKnown();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#ending;
    for (let attempt = 1; !signal.aborted; attempt += 1) {
      try {
        if (this.#rules === undefined) this.#take(await this.#list());
        if (await this.#watch()) attempt = 0;
      } catch (reason) {
        if (signal.aborted) return;
        const error = MicroError.from(reason);
        if (error.code === "unimplemented") return this.#giveUp();
        if (attempt === 2) this.#deps.logger.warn("lost the access rules, those that are known go on", { error });
      }
      await delay(backoffMs(Math.max(1, attempt), { initialMs: 50, maxMs: 2_000, jitter: 0.5 }), signal);
    }
  }

  async #list(): Promise<RuleNews> {
    const { signal, release } = createTimedSignal(this.#ending.signal, listTimeoutMs);
    try {
      return readRuleNews(await this.#deps.calls.list(this.#body, signal));
    } finally {
      release();
    }
  }

  /** True when the server said something. */
  async #watch(): Promise<boolean> {
    const { signal, release } = createTimedSignal(this.#ending.signal, watchLifeMs);
    let hasHeard = false;
    try {
      for await (const answer of this.#deps.calls.watch(this.#body, signal)) {
        hasHeard = true;
        this.#take(readRuleNews(answer));
      }
      return hasHeard;
    } catch (reason) {
      if (hasHeard) return true;
      throw reason;
    } finally {
      release();
    }
  }

  #take({ rules, ended }: RuleNews): void {
    this.#rules = rules;
    for (const [id, generation] of ended) this.#generations.set(id, generation);
    this.#version += 1;
    this.#setKnown();
  }

  /** A server that has no rules to tell, such as another program in its place, leaves callers to the network in front. */
  #giveUp(): void {
    if (this.#rules === undefined) {
      this.#rules = "none to tell";
      this.#version += 1;
      this.#deps.logger.info("the server tells no access rules: only those in front of the service are checked");
    }
    this.#setKnown();
  }
}

function delay(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
  });
}
