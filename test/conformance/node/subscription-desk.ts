import type { BrokerSubject, TestSubscription } from "#conformance/broker-suite.ts";
import type { BrokerMessage } from "#interface/broker.ts";

/** A message as data, and how many were lost until it came. */
export interface DeskMessage {
  readonly message: BrokerMessage;
  readonly dropped: number;
}

interface Place {
  readonly subscription: TestSubscription;
  /** Asked for, and not there when the last answer went. */
  asked: Promise<DeskMessage> | undefined;
}

/** Messages of one answer: a line for each of thousands would be most of the time. */
const answerCountMax = 200;

/** Subscriptions under numbers, for a program that can only be sent data. */
export class SubscriptionDesk {
  readonly #broker: Pick<BrokerSubject, "subscribe">;
  readonly #places = new Map<number, Place>();

  constructor(broker: Pick<BrokerSubject, "subscribe">) {
    this.#broker = broker;
  }

  async subscribe(options: Parameters<BrokerSubject["subscribe"]>[0]): Promise<number> {
    const subscription = await this.#broker.subscribe(options);
    const id = this.#places.size;
    this.#places.set(id, { subscription, asked: undefined });
    return id;
  }

  /** The next message, and those behind it that are there already. */
  async take(id: number): Promise<readonly DeskMessage[]> {
    const place = this.#find(id);
    const taken = [await ask(place)];
    place.asked = undefined;
    while (taken.length < answerCountMax) {
      const next = await Promise.race([ask(place), turnEnd()]);
      if (next === undefined) break;
      place.asked = undefined;
      taken.push(next);
    }
    return taken;
  }

  leave(id: number): Promise<void> {
    return this.#find(id).subscription.leave();
  }

  #find(id: number): Place {
    const found = this.#places.get(id);
    if (found === undefined) throw new Error(`there is no subscription ${id}`);
    return found;
  }
}

function ask(place: Place): Promise<DeskMessage> {
  if (place.asked !== undefined) return place.asked;
  const { subscription } = place;
  const asked = subscription.next().then(({ topic, header, body }) => ({
    message: { topic, header: { ...header }, body },
    dropped: subscription.dropped,
  }));
  // Whoever asks next hears of the failure.
  asked.catch(() => undefined);
  place.asked = asked;
  return asked;
}

async function turnEnd(): Promise<undefined> {
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
}
