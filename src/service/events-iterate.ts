import { WireEvent, type ConsumedEvent } from "./events-event.ts";
import type { Subscription } from "./events-subscription.ts";

/**
 * Events one after the other. Asking for the next one says that the one before is done, unless something was said of it
 * already; leaving the loop, by `break` or by throwing, says nothing of the last one, so it comes again.
 */
export function iterate(subscription: Subscription): AsyncIterableIterator<ConsumedEvent> {
  let current: WireEvent | undefined;
  const iterator: AsyncIterableIterator<ConsumedEvent> = {
    next: async () => {
      current?.ack();
      current = undefined;
      const message = await subscription.take();
      if (message === undefined) {
        await subscription.close();
        return { done: true, value: undefined };
      }
      current = new WireEvent(message, subscription);
      return { done: false, value: current };
    },
    return: async () => {
      await subscription.close();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]: () => iterator,
  };
  return iterator;
}
