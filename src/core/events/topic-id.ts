import type { TopicKey } from "#interface/events.ts";

/** A topic as the key of a map. The name of a namespace has no slash, so two topics never share one. */
export function toTopicId({ namespace, topic }: TopicKey): string {
  return `${namespace}/${topic}`;
}
