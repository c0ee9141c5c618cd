import { delay } from "#base/lifecycle.ts";
import { MicroError } from "#base/error.ts";
import { consumeEvents } from "./commands/events/consumption.ts";
import type { Session } from "./connection/session.ts";
import { readDeployed, type DeployedService, type ServiceFilter } from "./runtime-status.ts";

/** Some things happen without an event, such as a service that leaves the registry by itself; ages grow, too. */
const quietMs = 5_000;
/** The same where events may not be consumed, and the pause before a server that is away is asked again. */
const pollMs = 1_000;
/** Events come in bursts. */
const gatherMs = 50;

/** How services are, or why the server cannot tell at the moment. */
export type DeployedSnapshot =
  | { readonly kind: "services"; readonly services: readonly DeployedService[] }
  | { readonly kind: "away"; readonly error: MicroError };

/**
 * How services are: now, after everything that happens to them, and every few seconds, until `signal` aborts. A server
 * that goes away is waited for.
 *
 * @throws MicroError when the first answer is a refusal, or a later one that says more than that the server is away.
 */
export async function* watchDeployed(
  session: Session,
  filter: ServiceFilter,
  signal: AbortSignal,
): AsyncGenerator<DeployedSnapshot> {
  const ended = new AbortController();
  const both = AbortSignal.any([signal, ended.signal]);
  const bell = new Bell();
  let isFirst = true;
  const hearing = { isDeaf: false };
  const listening = listen(session, { bell, hearing, signal: both });
  try {
    while (!both.aborted) {
      try {
        yield { kind: "services", services: await readDeployed(session, filter) };
      } catch (reason) {
        const error = MicroError.from(reason);
        if (isFirst || error.code !== "unavailable") throw error;
        yield { kind: "away", error };
      }
      isFirst = false;
      await bell.rings(hearing.isDeaf ? pollMs : quietMs, both);
      await delay(gatherMs, both);
    }
  } finally {
    ended.abort();
    await listening;
  }
}

interface Listening {
  readonly bell: Bell;
  /** Set when events cannot be had. */
  readonly hearing: { isDeaf: boolean };
  readonly signal: AbortSignal;
}

/** Rings for every event of the runtime. Never rejects: who may not consume events still sees snapshots. */
async function listen(session: Session, { bell, hearing, signal }: Listening): Promise<void> {
  while (!signal.aborted) {
    // A little before now, so that nothing is missed between the first snapshot and the first event.
    const start = { start_ms: Date.now() - pollMs };
    const options = { topic: "runtime", group: undefined, start, acknowledges: false, countMax: Infinity, signal };
    try {
      await consumeEvents(session, options, () => bell.ring());
    } catch (reason) {
      hearing.isDeaf = true;
      bell.ring();
      if (MicroError.from(reason).code !== "unavailable") return;
    }
    await delay(pollMs, signal);
    hearing.isDeaf = false;
  }
}

/** Wakes one who waits; rung while nobody waits, it wakes the next at once. */
class Bell {
  #isRung = false;
  #wake: (() => void) | undefined;

  ring(): void {
    this.#isRung = true;
    this.#wake?.();
  }

  /** Resolves when it was rung since the last time, after `ms`, or when `signal` aborts. */
  async rings(ms: number, signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    if (!this.#isRung) await delay(ms, AbortSignal.any([signal, woken.signal]));
    this.#wake = undefined;
    this.#isRung = false;
  }
}
