import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import type { TopicKey } from "#interface/events.ts";
import type { EventLog } from "./event-log.ts";
import { toTopicId } from "./topic-id.ts";

/** Topics that are known to be there are not looked up; above this many they are looked up anew. */
const knownCountMax = 100_000;

/** Refuses the topics of callers that would be too many in their namespace. Dead letters are never refused. */
export class TopicLimit {
  readonly #log: EventLog;
  readonly #known = new Set<string>();

  constructor(log: EventLog) {
    this.#log = log;
  }

  /** @throws MicroError `too_many_requests` when these topics would be too many. */
  admit(namespace: string, events: readonly { readonly topic: string }[]): void {
    const fresh = new Set<string>();
    let checked: string | undefined;
    for (const { topic } of events) {
      // Most batches are for one topic.
      if (topic === checked) continue;
      checked = topic;
      if (!this.#isKnown({ namespace, topic })) fresh.add(topic);
    }
    if (fresh.size === 0) return;
    const { topicsPerNamespaceMax: countMax } = limits;
    if (this.#log.topics(namespace).length + fresh.size <= countMax) return;
    const detail = `namespace ${namespace} may have ${countMax} topics, and this would be more; delete some first`;
    throw new MicroError("too_many_requests", detail);
  }

  forget(key: TopicKey): void {
    this.#known.delete(toTopicId(key));
  }

  #isKnown(key: TopicKey): boolean {
    const id = toTopicId(key);
    if (this.#known.has(id)) return true;
    if (this.#log.topic(key) === undefined) return false;
    if (this.#known.size >= knownCountMax) this.#known.clear();
    this.#known.add(id);
    return true;
  }
}
