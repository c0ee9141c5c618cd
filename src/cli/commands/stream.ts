import { callEndpoint } from "#cli/call-endpoint.ts";
import type { Command } from "#cli/command.ts";
import { requireService } from "#cli/schema/service-entry.ts";
import { methodKindOf, type MethodKind } from "#cli/schema/method-kind.ts";
import type { Session } from "#cli/connection/session.ts";
import { callFlags, readBody, readCallOptions } from "./call.ts";

/** `micro stream SERVICE Type.Method '{…}'`. */
export const command: Command = {
  kind: "command",
  summary: "Call a streaming endpoint of a service",
  usage: "SERVICE ENDPOINT [JSON]",
  details:
    "Prints each message that comes as JSON. An endpoint that takes many messages reads them from standard input,\n" +
    "one JSON object a line, unless a body is given.",
  flags: callFlags.filter(({ name }) => name !== "request-timeout"),
  wordCount: { min: 2, max: Infinity },
  run: async (invocation) => {
    const { words, session, flags } = invocation;
    const [service = "", endpoint = "", ...rest] = words;
    const readsInput = rest.length === 1 && rest[0] === "-";
    const address = flags.text("address");
    await callEndpoint(session, {
      target: { service, endpoint },
      // A process that is called directly is not asked of in the registry.
      kind: readsInput ? "bidi_stream" : address === undefined ? await findKind(session, service, endpoint) : "stream",
      bodyText: readsInput ? undefined : await readBody(rest),
      isCompact: flags.text("output") === "raw",
      options: readCallOptions(invocation),
    });
  },
};

/** A unary endpoint is called as a stream of one message: that works, and prints one answer. */
async function findKind(session: Session, service: string, endpoint: string): Promise<MethodKind> {
  const versions = await requireService(session, service);
  const entry = versions.flatMap(({ endpoints }) => endpoints).find(({ name }) => name === endpoint);
  return entry === undefined ? "stream" : methodKindOf(entry);
}
