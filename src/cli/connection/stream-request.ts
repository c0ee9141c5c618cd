import { isRecord } from "#base/json.ts";
import { MicroError } from "#base/error.ts";
import { decodeEnvelopes, encodeEnvelope, endStreamFlag } from "./envelope.ts";
import { parseAnswer, readConnectError, readFailure, toMicroError, type RpcRequest } from "./unary-request.ts";

/**
 * Sends messages, each JSON text, as they come and gives those that come back, in Connect's enveloped form over HTTP/1.1. Both
 * directions run at the same time. A stream has no deadline of its own; `signal` ends it.
 *
 * @throws MicroError of the server; `unavailable` (`neverSent`) when nobody listens.
 */
export async function* sendStream(request: RpcRequest, messages: AsyncIterable<string>): AsyncGenerator<unknown> {
  const { server } = request;
  try {
    const response = await fetch(`${server.origin}${request.path}`, {
      method: "POST",
      headers: { ...request.headers, "content-type": "application/connect+json", "connect-protocol-version": "1" },
      body: encodeMessages(messages),
      redirect: "manual",
      // Bun ends a request that is quiet for five minutes unless it is told not to; logs may be quiet for a day.
      timeout: false,
      ...(request.signal === undefined ? {} : { signal: request.signal }),
      ...(server.socketPath === undefined ? {} : { unix: server.socketPath }),
    });
    if (!response.ok || response.body === null) throw readFailure(response.status, await response.text());
    yield* readMessages(response.body);
  } catch (reason) {
    throw toMicroError(reason, server);
  }
}

async function* encodeMessages(messages: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  for await (const message of messages) yield encodeEnvelope(new TextEncoder().encode(message));
}

async function* readMessages(body: AsyncIterable<Uint8Array>): AsyncGenerator<unknown> {
  for await (const { flags, message } of decodeEnvelopes(body)) {
    const value = parseAnswer(new TextDecoder().decode(message));
    if ((flags & endStreamFlag) === 0) {
      yield value;
      continue;
    }
    const error = isRecord(value) ? value["error"] : undefined;
    if (isRecord(error)) throw readConnectError(error);
    return;
  }
  throw new MicroError("unavailable", "the server closed the stream before its end");
}
