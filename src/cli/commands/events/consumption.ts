import type { Session } from "#cli/connection/session.ts";
import { fieldsOf, listOf, numberOf, type Fields } from "#cli/service-answer.ts";
import { AsyncQueue } from "#base/async-queue.ts";
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

/** Events that may be under way: a person reads no faster, and few have to go back to the group at the end. */
const pendingCountMax = 128;
/** How long the server may take to hear that we leave. */
const leaveTimeoutMs = 5_000;

/**
 * Reads events as one member of a group and gives each to `onEvent`, which must be done with it when it returns: it is
 * acknowledged then. Returns when `signal` aborts or enough have come, and the server has heard of all that was done.
 */
export async function consumeEvents(
  session: Session,
  options: ConsumptionOptions,
  onEvent: (event: Fields) => void,
): Promise<void> {
  const { group, countMax, signal } = options;
  if (countMax === 0 || signal.aborted) return;
  const requests = new AsyncQueue<string>(limits.eventUnfinishedCountMax);
  requests.push(JSON.stringify({ consume: toRequest(options) }));
  const cut = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isLeaving = false;
  const leave = (): void => {
    if (isLeaving) return;
    isLeaving = true;
    // The server ends the stream when our side has ended; a reader of its own has nothing to wait for.
    requests.close();
    if (group === undefined) cut.abort();
    else timer = setTimeout(() => cut.abort(), leaveTimeoutMs);
  };
  signal.addEventListener("abort", leave);
  let count = 0;
  try {
    const target = { service: "events", endpoint: "Stream.ConsumeBatch" };
    for await (const answer of session.stream(target, requests, { signal: cut.signal })) {
      if (isLeaving) continue;
      const events = listOf(fieldsOf(answer)["events"]);
      const wanted = events.slice(0, countMax - count);
      for (const event of wanted) onEvent(event);
      count += wanted.length;
      const done = options.acknowledges ? wanted.map(placeOf) : [];
      const returned = events.slice(wanted.length).map(placeOf);
      if (group !== undefined && events.length > 0) requests.push(JSON.stringify({ done, returned }));
      if (count >= countMax) leave();
    }
  } catch (reason) {
    if (!isLeaving) throw reason;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", leave);
    requests.close();
  }
}

function placeOf(event: Fields): number {
  return numberOf(event["sequence"]);
}

function toRequest({ topic, group, start }: ConsumptionOptions): object {
  const member = {
    group,
    ack_wait: limits.eventAckWaitMs * 1_000_000,
    retry_limit: limits.eventRetryCountMax,
    pending_max: pendingCountMax,
  };
  return { topic, ...start, ...(group === undefined ? { auto_ack: true } : member) };
}
