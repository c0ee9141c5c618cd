import type { DataRules } from "#interface/auth.ts";
import { requireData } from "#interface/data-access.ts";
import { requireNamespace, requireOwnNamespace } from "#interface/namespace-access.ts";
import type { ServerCall } from "#rpc/server-call.ts";
import { parseTopicPattern } from "./topic-pattern.ts";
import { TopicTree } from "./topic-tree.ts";

/**
 * The namespace whose topics a call is about.
 *
 * @throws MicroError `unauthenticated` without an account, `permission_denied` for one that acts in no namespace.
 */
export function requireBrokerNamespace(call: ServerCall): string {
  const namespace = requireOwnNamespace(call.account, call.namespace, call.endpoint);
  requireNamespace(call.account, namespace, call.endpoint);
  return namespace;
}

/** The same for somebody who publishes. @throws MicroError also `permission_denied` where a rule denies one of the topics. */
export function requirePublish(
  rules: DataRules | undefined,
  items: readonly { readonly topic: string }[],
  call: ServerCall,
): string {
  const namespace = requireBrokerNamespace(call);
  let last: string | undefined;
  for (const { topic: name } of items) {
    // Batches mostly hold one topic.
    if (name === last) continue;
    last = name;
    requireData(rules, call.account, {
      namespace,
      resource: { type: "topic", name, endpoint: "publish" },
      at: call.endpoint,
    });
  }
  return namespace;
}

/**
 * The same for somebody who listens. A pattern is refused when one of its topics is denied to him, also where others are not:
 * what is denied must not come in by a wider door.
 *
 * @throws MicroError also `permission_denied` where a rule denies the topic, `invalid_argument` for a bad pattern.
 */
export function requireSubscribe(rules: DataRules | undefined, topic: string, call: ServerCall): string {
  const namespace = requireBrokerNamespace(call);
  // Rules are compared without case, so that patterns are too.
  const { words } = parseTopicPattern(topic.toLowerCase());
  const tree = new TopicTree<true>();
  if (words.length > 0) tree.add(words, true);
  const covers = (name: string): boolean => {
    let isMatch = false;
    tree.match(name, () => (isMatch = true));
    return isMatch;
  };
  const resource = { type: "topic", name: topic, endpoint: "subscribe", covers } as const;
  requireData(rules, call.account, { namespace, resource, at: call.endpoint });
  return namespace;
}
