import { MicroError } from "#base/error.ts";
import type { DataRules } from "#interface/auth.ts";
import { requireData } from "#interface/data-access.ts";
import { requireOwnNamespace } from "#interface/namespace-access.ts";
import { runtimeTopic } from "#interface/runtime-event.ts";
import type { ServerCall } from "#rpc/server-call.ts";
import { requireTopicName } from "./events-wire.ts";

/** What somebody does with a topic, as rules of type `stream` name it. */
export type StreamRight = "publish" | "consume" | "read" | "manage" | "list";

/** The namespace whose topics a call is about. @throws MicroError `unauthenticated` or `permission_denied`. */
export function requireStream(
  rules: DataRules | undefined,
  call: ServerCall,
  { topics, right }: { readonly topics: Iterable<string>; readonly right: StreamRight },
): string {
  const namespace = requireOwnNamespace(call.account, call.namespace, call.endpoint);
  for (const name of topics) {
    const resource = { type: "stream", name, endpoint: right } as const;
    requireData(rules, call.account, { namespace, resource, at: call.endpoint });
    // What it says of services must be true, so nobody else writes it.
    if (right === "publish" && name === runtimeTopic) {
      throw new MicroError("permission_denied", `only the runtime publishes on topic ${name}`, { at: call.endpoint });
    }
  }
  return namespace;
}

/** One topic of the caller's. @throws MicroError as above, `invalid_argument` without a topic. */
export function requireTopic(
  rules: DataRules | undefined,
  call: ServerCall,
  { topic, right }: { readonly topic: string; readonly right: StreamRight },
): { readonly namespace: string; readonly topic: string } {
  const namespace = requireStream(rules, call, { topics: [topic], right });
  return { namespace, topic: requireTopicName(topic) };
}
