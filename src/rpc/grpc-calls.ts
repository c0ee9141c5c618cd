import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { MicroError } from "#base/error.ts";
import { abandon } from "./connect-stream.ts";
import { parseContentType } from "./content-type.ts";
import { GrpcAnswer, okTrailers } from "./grpc-answer.ts";
import { toRefusal } from "./grpc-refusal.ts";
import { Http2CallSource } from "./http2-call-source.ts";
import { readMessages } from "./http2-messages.ts";
import { callerLeft, IncomingCall } from "./incoming-call.ts";
import type { RpcMethod } from "./method.ts";
import { admit, reportFailure, type RpcServerOptions } from "./rpc-context.ts";
import { malformedMethodName, parseRpcPath } from "./rpc-path.ts";
import { firstMessage } from "./typed-method.ts";

/**
 * Answers one gRPC call. Acts on the first message, because Micro's clients keep the request side of a stream open; a
 * unary call does not wait for the caller's end either.
 *
 * @see https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 */
export async function answerGrpc(
  options: RpcServerOptions,
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
): Promise<void> {
  const answer = new GrpcAnswer(stream, parseContentType(headers["content-type"] ?? ""));
  let call: IncomingCall | undefined;
  try {
    call = openCall(stream, headers, answer);
    await answerCall(options, { stream, call, answer });
    answer.end(okTrailers);
  } catch (reason) {
    const error = MicroError.from(reason);
    reportFailure(options, headers[":path"] ?? "", error);
    answer.end(toRefusal(error, options.name));
  } finally {
    call?.finish();
  }
}

function openCall(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, answer: GrpcAnswer): IncomingCall {
  const path = headers[":path"] ?? "";
  const named = parseRpcPath(path);
  if (named === undefined) throw malformedMethodName(path);
  if (answer.contentType === undefined) {
    throw new MicroError("unimplemented", `content type "${headers["content-type"] ?? ""}" is not spoken here`);
  }
  const compression = headers["grpc-encoding"];
  if (compression !== undefined && compression !== "identity") {
    throw new MicroError("unimplemented", `grpc-encoding "${String(compression)}" is not spoken here; use identity`);
  }
  const { encoding } = answer.contentType;
  const call = new IncomingCall(new Http2CallSource(stream, headers), { path, ...named, encoding, answer });
  stream.once("close", () => {
    if (!answer.isEnded) call.abort(callerLeft());
  });
  return call;
}

async function answerCall(
  options: RpcServerOptions,
  { stream, call, answer }: { stream: ServerHttp2Stream; call: IncomingCall; answer: GrpcAnswer },
): Promise<void> {
  const messages = readMessages(stream);
  const admitted = admit(options, call);
  const method: RpcMethod = admitted instanceof Promise ? await call.until(admitted) : admitted;
  if (method.kind === "unary") {
    const message = await call.until(firstMessage(messages));
    answer.endWith(await call.until(method.unary(message, call)));
    return;
  }
  answer.isStream = true;
  const answers = method.stream(messages, call)[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await call.until(answers.next());
      if (next.done === true) return;
      if (!answer.write(next.value)) await call.until(answer.drained());
    }
  } finally {
    abandon(answers);
  }
}
