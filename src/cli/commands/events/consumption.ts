import type { Session } from "#cli/connection/session.ts";
import { fieldsOf, listOf, numberOf, textOf, type Fields } from "#cli/service-answer.ts";
import { AsyncQueue } from "#base/async-queue.ts";
import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import type { StartFields } from "./start-position.ts";

/** What is consumed, and how. */
export interface ConsumptionOptions {
  readonly topic: string;
  /** Undefined: a reader of its own, which has nothing to acknowledge. */
  readonly group: string | undefined;
  readonly start: StartFields;
  /** False leaves the events of a group to come again. */
  readonly acknowledges: boolean;
  /** At most so many events. */
  readonly countMax: number;
  readonly signal: AbortSignal;
}

/** Events that may be under way: so many have to be confirmed singly at the end. */
const pendingCount = 128;
/** Up to this limit events come one by one, so that none is sent that would only go back to the group. */
const fewCount = 100;

/**
 * Reads events as one member of a group and gives each to `onEvent`, which must be done with it when it returns: it is
 * acknowledged then. What was acknowledged is on disk when this returns, which it does when `signal` aborts or enough have
 * come.
 */
export async function consumeEvents(
  session: Session,
  options: ConsumptionOptions,
  onEvent: (event: Fields) => void,
): Promise<void> {
  const { topic, group, countMax, signal } = options;
  if (countMax === 0 || signal.aborted) return;
  const requests = new AsyncQueue<string>(limits.eventUnfinishedCountMax);
  requests.push(JSON.stringify({ consume: toRequest(options) }));
  const acknowledged =
    group === undefined || !options.acknowledges ? undefined : new Acknowledged(session, topic, group);
  const leaving = new AbortController();
  let confirmed: Promise<void> | undefined;
  // Before the stream ends: what is not acknowledged by then goes back to the group.
  signal.addEventListener("abort", () => {
    confirmed = (acknowledged?.confirm() ?? Promise.resolve()).finally(() => leaving.abort());
    // Awaited below; until then nobody listens.
    confirmed.catch(() => undefined);
  });
  let count = 0;
  try {
    const target = { service: "events", endpoint: "Stream.ConsumeBatch" };
    for await (const answer of session.stream(target, requests, { signal: leaving.signal })) {
      if (signal.aborted) continue;
      const events = listOf(fieldsOf(answer)["events"]).slice(0, countMax - count);
      for (const event of events) onEvent(event);
      count += events.length;
      acknowledged?.add(events);
      if (count >= countMax) return await acknowledged?.confirm();
      const done = events.map((event) => numberOf(event["sequence"]));
      if (acknowledged !== undefined && done.length > 0) requests.push(JSON.stringify({ done }));
    }
  } catch (reason) {
    if (!signal.aborted) throw reason;
  } finally {
    requests.close();
    await confirmed;
  }
}

function toRequest({ topic, group, start, countMax }: ConsumptionOptions): object {
  return {
    topic,
    ...start,
    ...(group === undefined
      ? { auto_ack: true }
      : {
          group,
          ack_wait: limits.eventAckWaitMs * 1_000_000,
          retry_limit: limits.eventRetryCountMax,
          pending_max: countMax <= fewCount ? 1 : pendingCount,
        }),
  };
}

/** Events that were acknowledged on the stream, of which the server has not shown yet that it knows. */
class Acknowledged {
  readonly #session: Session;
  readonly #topic: string;
  readonly #group: string;
  #ids: readonly string[] = [];

  constructor(session: Session, topic: string, group: string) {
    this.#session = session;
    this.#topic = topic;
    this.#group = group;
  }

  /** The server sends no more than `pendingCount` before it knows of the first. */
  add(events: readonly Fields[]): void {
    this.#ids = [...this.#ids, ...events.map((event) => textOf(event["id"]))].slice(-pendingCount);
  }

  /** Acknowledges each once more and waits until it is on disk; what the server does not know any more it had already. */
  async confirm(): Promise<void> {
    const acknowledge = (id: string): Promise<unknown> =>
      this.#session
        .call("events", "Stream.Ack", { id, success: true, topic: this.#topic, group: this.#group })
        .catch((reason: unknown) => {
          if (!MicroError.is(reason) || reason.code !== "not_found") throw reason;
        });
    await Promise.all(this.#ids.map(acknowledge));
  }
}
