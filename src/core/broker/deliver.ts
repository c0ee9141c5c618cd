import { limits } from "#base/limits.ts";
import type { BrokerMessage, Subscription } from "#interface/broker.ts";
import type { Delivery } from "./broker-wire.ts";

const sign: Delivery = { messages: [], dropped: 0n };

/**
 * What a subscriber is sent: first that it is one, then what comes, and in a long silence that the broker is still there.
 *
 * @param silenceMs after which that is said. @default limits.brokerHeartbeatMs
 */
export async function* deliver(
  subscription: Subscription,
  silenceMs: number = limits.brokerHeartbeatMs,
): AsyncGenerator<Delivery> {
  const reader = subscription[Symbol.asyncIterator]();
  try {
    yield sign;
    for (let next = reader.next(); ;) {
      const result = await withinMs(next, silenceMs);
      if (result === undefined) {
        yield sign;
        continue;
      }
      if (result.done === true) return;
      yield { messages: result.value, dropped: BigInt(subscription.takeDropped()) };
      next = reader.next();
    }
  } finally {
    await reader.return?.();
  }
}

/** The messages one by one. */
export async function* deliverSingly(subscription: Subscription): AsyncGenerator<BrokerMessage> {
  for await (const messages of subscription) yield* messages;
}

/** What `work` gives, or undefined when that takes longer. */
async function withinMs<T>(work: Promise<T>, timeoutMs: number): Promise<T | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), timeoutMs);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
