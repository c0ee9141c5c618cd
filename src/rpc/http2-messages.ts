import type { ServerHttp2Stream } from "node:http2";
import { AsyncQueue } from "#base/async-queue.ts";
import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import { frameFlagCompressed, FrameDecoder } from "./grpc-frame.ts";
import { callerLeft } from "./incoming-call.ts";

/**
 * The messages that a caller sends on an HTTP/2 stream, as they arrive. When `limits.streamQueueCountMax` of them wait,
 * the stream is paused, and HTTP/2's flow control holds the caller back.
 *
 * The reader that leaves early does not close the stream: the answer may still be on its way.
 */
export function readMessages(stream: ServerHttp2Stream): AsyncQueue<Uint8Array> {
  // The queue itself has no brim, because one chunk of bytes may hold many messages; its size pauses the stream.
  const queue = new AsyncQueue<Uint8Array>(Number.POSITIVE_INFINITY, () => stream.resume());
  const decoder = new FrameDecoder();
  stream.on("data", (chunk: Buffer) => {
    if (queue.isClosed) return;
    try {
      for (const frame of decoder.push(chunk)) {
        if ((frame.flags & frameFlagCompressed) !== 0) {
          throw new MicroError("unimplemented", "compressed messages are not spoken here; send them plain");
        }
        queue.push(frame.message);
      }
    } catch (reason) {
      queue.close(reason);
    }
    if (queue.size < limits.streamQueueCountMax) return;
    stream.pause();
    queue.onceDrained(() => stream.resume());
  });
  stream.on("end", () => {
    // A stream that is reset ends too, but its caller has not said all that it had to say.
    if (stream.aborted) queue.close(callerLeft());
    else if (decoder.pendingBytes === 0) queue.close();
    else queue.close(new MicroError("invalid_argument", "the stream ended in the middle of a message"));
  });
  stream.on("close", () => {
    if (!queue.isClosed) queue.close(callerLeft());
  });
  return queue;
}
