import { limits } from "#base/limits.ts";
import { Audience } from "./audience.ts";
import type { MemorySubscription } from "./memory-subscription.ts";
import { TopicTree } from "./topic-tree.ts";

/** Who listens to what in one namespace, and how much was said. */
export class NamespaceTopics {
  readonly subscriptions = new Set<MemorySubscription>();
  publishedCount = 0;
  unheardCount = 0;
  readonly #exact = new Map<string, Set<MemorySubscription>>();
  readonly #patterns = new TopicTree<MemorySubscription>();
  /** What was looked up since somebody came or left. */
  readonly #audiences = new Map<string, Audience>();

  add(subscription: MemorySubscription): void {
    const { text, words } = subscription.pattern;
    this.subscriptions.add(subscription);
    if (words.length > 0) this.#patterns.add(words, subscription);
    else this.#exact.set(text, (this.#exact.get(text) ?? new Set()).add(subscription));
    this.#forget(subscription);
  }

  remove(subscription: MemorySubscription): void {
    const { text, words } = subscription.pattern;
    this.subscriptions.delete(subscription);
    if (words.length > 0) this.#patterns.remove(words, subscription);
    else {
      const listeners = this.#exact.get(text);
      listeners?.delete(subscription);
      if (listeners?.size === 0) this.#exact.delete(text);
    }
    this.#forget(subscription);
  }

  audience(topic: string): Audience {
    const known = this.#audiences.get(topic);
    if (known !== undefined) return known;
    const found = new Set(this.#exact.get(topic));
    this.#patterns.match(topic, (each) => found.add(each));
    const audience = new Audience(found);
    if (this.#audiences.size >= limits.brokerAudienceCountMax) this.#audiences.clear();
    this.#audiences.set(topic, audience);
    return audience;
  }

  #forget({ pattern }: MemorySubscription): void {
    if (pattern.words.length === 0) this.#audiences.delete(pattern.text);
    else this.#audiences.clear();
  }
}
