import { MicroError } from "#base/error.ts";
import { toConnectError } from "./error-wire.ts";
import { encodeFrame, frameFlagCompressed, frameFlagEndStream, FrameDecoder } from "./grpc-frame.ts";
import type { HttpRequest } from "./http-exchange.ts";
import { callerLeft, type IncomingCall } from "./incoming-call.ts";
import type { RpcMethod } from "./method.ts";
import { admit, reportFailure, type RpcServerOptions } from "./rpc-context.ts";

/**
 * The body of the answer to a Connect stream: one frame a message, then one that says how the call ended. Leaving it
 * early cancels the call.
 *
 * @see https://connectrpc.com/docs/protocol#streaming-rpcs
 */
export async function* connectStreamBody(
  options: RpcServerOptions,
  request: HttpRequest,
  call: IncomingCall,
): AsyncGenerator<Uint8Array> {
  let answers: AsyncIterator<Uint8Array> | undefined;
  let isFinished = false;
  // Who is told that the caller left must be waiting for it: a body that waits for its next message cannot be left.
  void call.signal;
  try {
    const admitted = admit(options, call);
    const method: RpcMethod = admitted instanceof Promise ? await call.until(admitted) : admitted;
    answers = method.stream(readFrames(request.body), call)[Symbol.asyncIterator]();
    for (;;) {
      const next = await call.until(answers.next());
      if (next.done === true) break;
      yield encodeFrame(next.value);
    }
    isFinished = true;
    yield endFrame({});
  } catch (reason) {
    isFinished = true;
    const error = MicroError.from(reason);
    reportFailure(options, call.path, error);
    yield endFrame({ error: toConnectError(error, options.name) });
  } finally {
    if (!isFinished) call.abort(callerLeft());
    call.finish();
    abandon(answers);
  }
}

/** Lets a handler that still runs know that nobody reads any more. Not awaited: a handler that hangs must not hold us. */
export function abandon(answers: AsyncIterator<unknown> | undefined): void {
  answers?.return?.().catch(() => undefined);
}

async function* readFrames(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const decoder = new FrameDecoder();
  for await (const chunk of chunks) {
    for (const frame of decoder.push(chunk)) {
      if ((frame.flags & frameFlagEndStream) !== 0) return;
      if ((frame.flags & frameFlagCompressed) !== 0) {
        throw new MicroError("unimplemented", "compressed messages are not spoken here; send them plain");
      }
      yield frame.message;
    }
  }
  if (decoder.pendingBytes > 0) throw new MicroError("invalid_argument", "the stream ended in the middle of a message");
}

function endFrame(end: object): Uint8Array {
  return encodeFrame(new TextEncoder().encode(JSON.stringify(end)), frameFlagEndStream);
}
