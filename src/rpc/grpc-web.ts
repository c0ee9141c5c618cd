import { MicroError } from "#base/error.ts";
import type { Metadata } from "#base/metadata.ts";
import { delay } from "#base/lifecycle.ts";
import { abandon } from "./connect-stream.ts";
import type { ContentType } from "./content-type.ts";
import { okTrailers } from "./grpc-answer.ts";
import { encodeFrame, frameFlagCompressed, FrameDecoder } from "./grpc-frame.ts";
import { toRefusal } from "./grpc-refusal.ts";
import { decodeWebText, encodeWebText } from "./grpc-web-text.ts";
import type { HttpRequest, HttpResponse } from "./http-exchange.ts";
import { callerLeft, IncomingCall, type CallTarget } from "./incoming-call.ts";
import type { RpcMethod } from "./method.ts";
import { admit, reportFailure, type RpcServerOptions } from "./rpc-context.ts";
import type { AnswerMetadata } from "./server-call.ts";
import { firstMessage } from "./typed-method.ts";

/** The frame holds trailers, as lines of text. */
const frameFlagTrailers = 0x80;

/**
 * Headers wait this long for those of a service behind us, in milliseconds. A page has to learn soon that its call is
 * under way, also where the first message takes long.
 */
const headersWaitMs = 200;

/**
 * Answers a gRPC-Web call: gRPC as a browser can send it, over HTTP/1.1 too, with the trailers as a last frame of the body.
 *
 * @see https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md
 */
export async function answerGrpcWeb(
  options: RpcServerOptions,
  request: HttpRequest,
  { target, contentType }: { readonly target: CallTarget; readonly contentType: ContentType },
): Promise<HttpResponse> {
  const answer = new WebAnswer();
  const call = new IncomingCall(request, { ...target, answer });
  const isText = contentType.protocol === "grpc_web_text";
  const frames = answerFrames(options, isText ? decodeWebText(request.body) : request.body, { call, answer });
  const first = frames.next();
  const waiting = new AbortController();
  await Promise.race([first, answer.headersKnown, delay(headersWaitMs, waiting.signal)]);
  waiting.abort();
  const whole = continueWith(first, frames);
  return {
    status: 200,
    headers: { ...answer.headers, ...contentType.headers },
    body: isText ? encodeWebText(whole) : whole,
  };
}

/** The metadata of an answer, kept until there is a place for them. */
class WebAnswer implements AnswerMetadata {
  headers: Metadata = {};
  trailers: Metadata = {};
  readonly headersKnown: Promise<void>;
  #tellHeaders: () => void = () => undefined;

  constructor() {
    this.headersKnown = new Promise((resolve) => {
      this.#tellHeaders = resolve;
    });
  }

  sendHeaders(headers: Metadata): void {
    this.headers = headers;
    this.#tellHeaders();
  }

  setTrailers(trailers: Metadata): void {
    this.trailers = trailers;
  }
}

async function* answerFrames(
  options: RpcServerOptions,
  body: AsyncIterable<Uint8Array>,
  { call, answer }: { readonly call: IncomingCall; readonly answer: WebAnswer },
): AsyncGenerator<Uint8Array> {
  let answers: AsyncIterator<Uint8Array> | undefined;
  let isFinished = false;
  // Who is told that the caller left must be waiting for it: a body that waits for its next message cannot be left.
  void call.signal;
  try {
    const admitted = admit(options, call);
    const method: RpcMethod = admitted instanceof Promise ? await call.until(admitted) : admitted;
    const messages = readFrames(body);
    if (method.kind === "unary") {
      const message = await call.until(firstMessage(messages));
      yield encodeFrame(await call.until(method.unary(message, call)));
    } else {
      answers = method.stream(messages, call)[Symbol.asyncIterator]();
      for (;;) {
        const next = await call.until(answers.next());
        if (next.done === true) break;
        yield encodeFrame(next.value);
      }
    }
    isFinished = true;
    yield encodeTrailers({ ...answer.trailers, ...okTrailers });
  } catch (reason) {
    isFinished = true;
    const error = MicroError.from(reason);
    reportFailure(options, call.path, error);
    yield encodeTrailers({ ...answer.trailers, ...toRefusal(error, options.name) });
  } finally {
    if (!isFinished) call.abort(callerLeft());
    call.finish();
    abandon(answers);
  }
}

async function* readFrames(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const decoder = new FrameDecoder();
  for await (const chunk of chunks) {
    for (const { flags, message } of decoder.push(chunk)) {
      if ((flags & frameFlagTrailers) !== 0) return;
      if ((flags & frameFlagCompressed) !== 0) {
        throw new MicroError("unimplemented", "compressed messages are not spoken here; send them plain");
      }
      yield message;
    }
  }
  if (decoder.pendingBytes > 0) throw new MicroError("invalid_argument", "the stream ended in the middle of a message");
}

function encodeTrailers(trailers: Metadata): Uint8Array {
  const lines = Object.entries(trailers).map(([name, value]) => `${name}: ${value}\r\n`);
  return encodeFrame(Buffer.from(lines.join(""), "latin1"), frameFlagTrailers);
}

/** What `first` gives, then the rest; leaving it leaves the source. */
async function* continueWith(
  first: Promise<IteratorResult<Uint8Array>>,
  rest: AsyncGenerator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  try {
    const next = await first;
    if (next.done !== true) yield next.value;
    yield* rest;
  } finally {
    abandon(rest);
  }
}
