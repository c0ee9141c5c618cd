import { MicroError } from "#base/error.ts";
import type { Stoppable } from "#base/lifecycle.ts";
import type { Logger } from "#base/logger.ts";
import { WireEvent, type ConsumedEvent } from "./events-event.ts";
import type { Subscription } from "./events-subscription.ts";

/** Handles one event: it is done when this returns, and comes again when this throws. */
export type EventHandler = (event: ConsumedEvent) => unknown;

/** A handler at work. */
export interface EventHandling extends Stoppable {
  /** Resolves when it has ended: with the failure when the server refuses to go on, with nothing after `stop` or the signal. */
  readonly ended: Promise<MicroError | undefined>;
  /** Takes no more events, lets the handlers that run end, sends their acknowledgements. */
  stop(): Promise<void>;
}

export interface HandlingParts {
  readonly subscription: Subscription;
  readonly handler: EventHandler;
  /** Events that are handled at a time. */
  readonly concurrency: number;
  readonly logger: Logger;
  readonly signal: AbortSignal | undefined;
}

/** Runs a handler for each event of a subscription, so many at a time. */
export function startHandling(parts: HandlingParts): EventHandling {
  const { subscription, concurrency, logger, signal } = parts;
  const quit = (): void => subscription.quit();
  const run = async (): Promise<MicroError | undefined> => {
    signal?.addEventListener("abort", quit, { once: true });
    if (signal?.aborted === true) quit();
    try {
      await Promise.all(Array.from({ length: concurrency }, () => work(parts)));
      return undefined;
    } catch (reason) {
      const error = MicroError.from(reason);
      logger.error("events are no longer handled", { error });
      return error;
    } finally {
      signal?.removeEventListener("abort", quit);
      await subscription.close();
    }
  };
  const ended = run();
  return {
    ended,
    stop: async () => {
      quit();
      await ended;
    },
  };
}

/** One event after the other, until there are no more. @throws MicroError when the server refuses to go on. */
async function work({ subscription, handler, logger }: HandlingParts): Promise<void> {
  for (;;) {
    const message = await subscription.take();
    if (message === undefined) return;
    const event = new WireEvent(message, subscription);
    try {
      await handler(event);
      event.ack();
    } catch (reason) {
      const { topic, sequence, attempt } = event;
      logger.warn("an event could not be handled", { topic, sequence, attempt, error: toError(reason) });
      event.nack();
    }
  }
}

/** With its cause, which the log keeps. */
function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : MicroError.from(reason);
}
