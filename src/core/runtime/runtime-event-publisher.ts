import { backoffMs } from "#base/backoff.ts";
import type { Clock } from "#base/clock.ts";
import { MicroError } from "#base/error.ts";
import { delay, type Stoppable } from "#base/lifecycle.ts";
import { limits } from "#base/limits.ts";
import type { Logger } from "#base/logger.ts";
import type { Events, NewEvent } from "#interface/events.ts";
import { runtimeTopic, type RuntimeEvent, type RuntimeEventSink } from "#interface/runtime-event.ts";
import { toNewEvent, type TimedEvent } from "./runtime-event-wire.ts";

export interface RuntimeEventPublisherDeps {
  readonly events: Pick<Events, "publish" | "setRetention" | "topics">;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface RuntimeEventPublisherOptions {
  /** @default limits.runtimeEventsWaitingMax */
  readonly waitingCountMax?: number;
  /** @default limits.runtimeEventAttemptsMax */
  readonly attemptCountMax?: number;
  /** The first wait before a batch is tried again, doubled with each attempt, milliseconds. @default 100 */
  readonly retryInitialMs?: number;
}

/** Events of one write: many share a commit, and none waits long for its turn. */
const batchCountMax = 100;
const retryMaxMs = 5_000;
/** A disk or a queue that may be free later; what else is refused stays refused. */
const passingCodes: ReadonlySet<string> = new Set(["unavailable", "too_many_requests", "timeout"]);

/**
 * Publishes what happens to services on the topic `runtime` of their namespace, in the order in which it happened. Whoever
 * tells it waits for nothing: events gather here up to a brim, above which the oldest are left out. The next event after a
 * gap says in its metadata how many `missed`.
 */
export class RuntimeEventPublisher implements RuntimeEventSink, Stoppable {
  readonly #deps: RuntimeEventPublisherDeps;
  readonly #options: Required<RuntimeEventPublisherOptions>;
  readonly #waiting: TimedEvent[] = [];
  /** Events left out, by namespace. */
  readonly #missed = new Map<string, number>();
  /** Namespaces whose topic is known to be there. */
  readonly #known = new Set<string>();
  readonly #giveUp = new AbortController();
  readonly #idPrefix = crypto.randomUUID();
  #count = 0;
  #writing: Promise<void> | undefined;
  #isFailing = false;

  constructor(deps: RuntimeEventPublisherDeps, options: RuntimeEventPublisherOptions = {}) {
    this.#deps = deps;
    this.#options = {
      waitingCountMax: limits.runtimeEventsWaitingMax,
      attemptCountMax: limits.runtimeEventAttemptsMax,
      retryInitialMs: 100,
      ...options,
    };
  }

  emit(event: RuntimeEvent): void {
    if (this.#waiting.length >= this.#options.waitingCountMax) this.#miss(this.#waiting.splice(0, 1));
    this.#waiting.push({ event, timestampMs: this.#deps.clock.now() });
    this.#writing ??= this.#writeAll().finally(() => (this.#writing = undefined));
  }

  /** Resolves when everything is written, or when that takes too long. */
  async stop(): Promise<void> {
    const timer = setTimeout(() => this.#giveUp.abort(), limits.runtimeEventsFlushMs);
    await this.#writing;
    clearTimeout(timer);
    this.#giveUp.abort();
  }

  async #writeAll(): Promise<void> {
    // What comes in the same turn travels together.
    await Promise.resolve();
    while (this.#waiting.length > 0 && !this.#giveUp.signal.aborted) await this.#writeBatch(this.#takeBatch());
  }

  /** The oldest events, as far as they are of one namespace. */
  #takeBatch(): readonly TimedEvent[] {
    const namespace = namespaceOf(this.#waiting[0]);
    const end = this.#waiting.findIndex((each, index) => index >= batchCountMax || namespaceOf(each) !== namespace);
    return this.#waiting.splice(0, end === -1 ? this.#waiting.length : end);
  }

  async #writeBatch(batch: readonly TimedEvent[]): Promise<void> {
    const { attemptCountMax, retryInitialMs: initialMs } = this.#options;
    const namespace = namespaceOf(batch[0]);
    const missed = this.#missed.get(namespace) ?? 0;
    const events = this.#toNewEvents(batch, missed);
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.#keepWithin(namespace);
        await this.#deps.events.publish(namespace, events);
        this.#settleMissed(namespace, missed);
        this.#isFailing = false;
        return;
      } catch (reason) {
        const error = MicroError.from(reason);
        this.#reportOnce(namespace, error);
        if (!passingCodes.has(error.code) || attempt >= attemptCountMax) return this.#miss(batch);
        await delay(backoffMs(attempt, { initialMs, maxMs: retryMaxMs }), this.#giveUp.signal);
        if (this.#giveUp.signal.aborted) return;
      }
    }
  }

  /** Their ids stay the same over attempts, so that one whose answer was lost is not doubled. */
  #toNewEvents(batch: readonly TimedEvent[], missed: number): readonly NewEvent[] {
    return batch.map((each, index) => {
      const { metadata, ...event } = toNewEvent(each);
      const gap = index === 0 && missed > 0 ? { missed: String(missed) } : {};
      this.#count += 1;
      return { ...event, id: `${this.#idPrefix}-${this.#count}`, metadata: { ...metadata, ...gap } };
    });
  }

  /** The topic is bounded when it begins; what its administrators say of it later stays. */
  async #keepWithin(namespace: string): Promise<void> {
    if (this.#known.has(namespace)) return;
    const topics = await this.#deps.events.topics(namespace);
    if (!topics.some(({ name }) => name === runtimeTopic)) {
      const retention = { count: limits.runtimeEventsKeptMax, ageMs: limits.runtimeEventsKeptMs };
      await this.#deps.events.setRetention({ namespace, topic: runtimeTopic }, retention);
    }
    this.#known.add(namespace);
  }

  #miss(events: readonly TimedEvent[]): void {
    for (const each of events) {
      const namespace = namespaceOf(each);
      this.#missed.set(namespace, (this.#missed.get(namespace) ?? 0) + 1);
    }
  }

  /** So many were told; more may have been missed meanwhile. */
  #settleMissed(namespace: string, toldCount: number): void {
    const leftCount = (this.#missed.get(namespace) ?? 0) - toldCount;
    if (leftCount > 0) this.#missed.set(namespace, leftCount);
    else this.#missed.delete(namespace);
  }

  #reportOnce(namespace: string, error: MicroError): void {
    if (!this.#isFailing) this.#deps.logger.error("events of the runtime cannot be written", { namespace, error });
    this.#isFailing = true;
  }
}

function namespaceOf(timed: TimedEvent | undefined): string {
  return timed?.event.service.namespace ?? "";
}
