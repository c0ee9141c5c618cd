import { MicroError } from "#base/error.ts";
import { abortOnReturn } from "./abort-on-return.ts";
import { callCancelled, remainingMs, watchCallEnd } from "./call-end.ts";
import { toCallHeaders } from "./call-headers.ts";
import { nameService } from "./connection-error.ts";
import { fromConnectError, fromErrorJson } from "./error-wire.ts";
import { encodeFrame, frameFlagCompressed, frameFlagEndStream, FrameDecoder, type Frame } from "./grpc-frame.ts";
import type { HttpClient, HttpResult } from "./http-client.ts";
import { formatRpcPath } from "./rpc-path.ts";
import type { OutgoingCall, OutgoingUnaryCall, Transport } from "./transport.ts";

/** Body of a refusal that is read to explain it; more is not one of our errors. */
const errorBytesMax = 64 * 1024;

/**
 * Calls as plain HTTP/1.1: a unary call is one POST whose body is the message; a stream is a POST with Connect's
 * enveloped messages. Over HTTP/1.1 a peer may hold its answers until it has read all messages, so conversations, where
 * each side waits for the other, need gRPC.
 *
 * @see https://connectrpc.com/docs/protocol
 */
export class HttpTransport implements Transport {
  readonly #http: HttpClient;

  constructor(deps: { readonly http: HttpClient }) {
    this.#http = deps.http;
  }

  async unary(address: string, call: OutgoingUnaryCall, message: Uint8Array): Promise<Uint8Array> {
    const headers = toHeaders(call, `application/${call.encoding}`);
    const end = new AbortController();
    const release = watchCallEnd(call, (reason) => end.abort(reason));
    try {
      const path = formatRpcPath(call.service, call.endpoint);
      const answer = await this.#http.post(address, { path, headers, body: message, signal: end.signal });
      if (answer.status !== 200) throw fromErrorJson(answer.status, answer.body);
      return answer.body;
    } catch (reason) {
      throw explain(reason, call.service);
    } finally {
      release();
    }
  }

  stream(address: string, call: OutgoingCall, messages: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    const end = new AbortController();
    return abortOnReturn(this.#exchange({ address, call, messages, end }), () => end.abort(callCancelled()));
  }

  close(): Promise<void> {
    return this.#http.close();
  }

  async *#exchange(stream: {
    readonly address: string;
    readonly call: OutgoingCall;
    readonly messages: AsyncIterable<Uint8Array>;
    readonly end: AbortController;
  }): AsyncGenerator<Uint8Array, void> {
    const { address, call, messages, end } = stream;
    const headers = toHeaders(call, `application/connect+${call.encoding}`);
    const release = watchCallEnd(call, (reason) => end.abort(reason));
    try {
      const path = formatRpcPath(call.service, call.endpoint);
      const answer = await this.#http.postStream(address, {
        path,
        headers,
        body: toFrames(messages),
        signal: end.signal,
      });
      if (answer.status !== 200) throw fromErrorJson(answer.status, await readError(answer));
      yield* readMessages(answer.body);
    } catch (reason) {
      throw explain(reason, call.service);
    } finally {
      release();
      // After the last frame nothing is left to send, whatever the source of messages still has.
      end.abort(callCancelled());
    }
  }
}

function toHeaders(call: OutgoingUnaryCall, contentType: string): Record<string, string> {
  const headers = toCallHeaders(call.metadata, remainingMs(call));
  headers["content-type"] = contentType;
  headers["accept-encoding"] = "identity";
  headers["user-agent"] = "micro-ts";
  return headers;
}

async function* toFrames(messages: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const message of messages) yield encodeFrame(message);
}

async function* readMessages(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  const decoder = new FrameDecoder();
  let isEnded = false;
  for await (const chunk of chunks) {
    // What follows the last frame is no part of the answer; only its end is waited for, so that the connection is reused.
    if (isEnded) return;
    for (const frame of decoder.push(chunk)) {
      if ((frame.flags & frameFlagEndStream) !== 0) {
        throwEndError(frame);
        isEnded = true;
        break;
      }
      if ((frame.flags & frameFlagCompressed) !== 0) {
        throw new MicroError("bad_gateway", "the answer is compressed, which was not asked for");
      }
      yield frame.message;
    }
  }
  if (!isEnded) throw new MicroError("bad_gateway", "the answer broke off before its end");
}

function throwEndError(frame: Frame): void {
  const end = parseEnd(new TextDecoder().decode(frame.message));
  if (end.error === undefined || end.error === null) return;
  throw fromConnectError(end.error) ?? new MicroError("bad_gateway", "the answer ended with an error of unknown form");
}

function parseEnd(text: string): { readonly error?: unknown } {
  try {
    const end = JSON.parse(text) as unknown;
    if (typeof end === "object" && end !== null) return end;
  } catch {
    // Falls through to the refusal: what a peer sends must not become a failure of ours.
  }
  throw new MicroError("bad_gateway", "the last frame of the answer is not a JSON object");
}

async function readError(answer: HttpResult<AsyncIterable<Uint8Array>>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of answer.body) {
    chunks.push(chunk);
    total += chunk.byteLength;
    if (total > errorBytesMax) break;
  }
  return Buffer.concat(chunks);
}

function explain(reason: unknown, service: string): MicroError {
  const error = MicroError.from(reason);
  // Only failures of the connection begin with an address; what a service says is passed on as it is.
  return error.code === "unavailable" && error.cause !== undefined ? nameService(error, service) : error;
}
