import type { MemorySubscription } from "./memory-subscription.ts";
import type { SharedMessage } from "./shared-message.ts";

/** Members that are compared before one is chosen: enough to find one that keeps up, few enough to cost nothing. */
const comparedCountMax = 16;

/** Those who hear one topic. */
export class Audience {
  readonly #listeners: MemorySubscription[] = [];
  readonly #queues: QueueGroup[] = [];

  constructor(subscriptions: Iterable<MemorySubscription>) {
    const groups = new Map<string, QueueGroup>();
    for (const each of subscriptions) {
      if (each.queue === "") {
        this.#listeners.push(each);
        continue;
      }
      const group = groups.get(each.queue) ?? new QueueGroup();
      group.members.push(each);
      groups.set(each.queue, group);
    }
    this.#queues.push(...groups.values());
  }

  get isEmpty(): boolean {
    return this.#listeners.length === 0 && this.#queues.length === 0;
  }

  /** To every listener, and to one member of each queue. */
  offer(message: SharedMessage): void {
    for (const listener of this.#listeners) listener.offer(message);
    for (const queue of this.#queues) queue.choose()?.offer(message);
  }
}

/** Subscribers that share what comes. */
class QueueGroup {
  readonly members: MemorySubscription[] = [];
  #turn = 0;

  /** In turn, but the one of the next few for whom the fewest messages wait; when they are full, any with room. */
  choose(): MemorySubscription | undefined {
    const { members } = this;
    this.#turn = (this.#turn + 1) % members.length;
    let best = members[this.#turn];
    for (let step = 1; step < Math.min(comparedCountMax, members.length); step += 1) {
      const other = members[(this.#turn + step) % members.length];
      if (best === undefined || best.waitingCount === 0) break;
      if (other !== undefined && other.waitingCount < best.waitingCount) best = other;
    }
    return best?.isFull === true ? (members.find((each) => !each.isFull) ?? best) : best;
  }
}
