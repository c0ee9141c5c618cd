import type { CallOptions, CallTarget, Session } from "./connection/session.ts";
import type { MethodKind } from "./schema/method-kind.ts";
import { oneMessage, readInputLines } from "./standard-input.ts";
import { printCompactJson, printJson } from "./output/print.ts";

export interface EndpointCall {
  readonly target: CallTarget;
  readonly kind: MethodKind;
  /** The request as JSON text; undefined when nothing was said of it. */
  readonly bodyText: string | undefined;
  readonly isCompact: boolean;
  readonly options?: CallOptions;
}

/**
 * Calls an endpoint of any kind and prints what it answers, each message as JSON that ends with a newline. An endpoint
 * that takes many messages gets those of standard input, one a line, where the command line gave none.
 */
export async function callEndpoint(session: Session, call: EndpointCall): Promise<void> {
  const print = call.isCompact ? printCompactJson : printJson;
  if (call.kind === "unary") {
    print(await session.callText(call.target, call.bodyText ?? "{}", call.options));
    return;
  }
  for await (const message of session.stream(call.target, messagesOf(call), call.options)) print(message);
}

function messagesOf({ kind, bodyText }: EndpointCall): AsyncIterable<string> {
  const takesMany = kind === "client_stream" || kind === "bidi_stream";
  return bodyText === undefined && takesMany ? readInputLines() : oneMessage(bodyText ?? "{}");
}
