import type { Readable, Writable } from "node:stream";
import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import { drained } from "./drained.ts";
import { callerLeft } from "./incoming-call.ts";
import { Interruption } from "./interruption.ts";

/**
 * Everything that a stream has, as one piece.
 *
 * @throws MicroError `payload_too_large` above `bytesMax`, before reading where the announced length says so;
 * `cancelled` when the stream breaks off; `timeout` when it takes longer than `limits.requestTimeoutMs`.
 */
export function readAll(stream: Readable, bytesMax: number, announced: string | undefined): Promise<Uint8Array> {
  if (Number(announced ?? 0) > bytesMax) return Promise.reject(tooLarge(bytesMax));
  if (stream.destroyed) return Promise.reject(new MicroError("cancelled", "the request broke off"));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const fail = (error: MicroError): void => {
      clearTimeout(timer);
      reject(error);
    };
    const timer = setTimeout(() => {
      fail(new MicroError("timeout", `the body did not arrive within ${limits.requestTimeoutMs / 1_000} s`));
    }, limits.requestTimeoutMs);
    stream.on("data", (chunk: Buffer) => {
      size += chunk.byteLength;
      if (size <= bytesMax) chunks.push(chunk);
      else fail(tooLarge(bytesMax));
    });
    stream.once("end", () => {
      clearTimeout(timer);
      resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks));
    });
    stream.once("error", (cause) => fail(new MicroError("cancelled", "the request broke off", { cause })));
    stream.once("close", () => {
      // Every stream closes in the end; an error costs a stack, so it is built only for one that had more to come.
      if (!stream.readableEnded) fail(new MicroError("cancelled", "the request broke off"));
    });
  });
}

/** Writes a body and ends the stream; waits where the reader is slow, and leaves the body when the reader is gone. */
export async function writeBody(stream: Writable, body: Uint8Array | AsyncIterable<Uint8Array>): Promise<void> {
  if (body instanceof Uint8Array) {
    stream.end(body);
    return;
  }
  const chunks = body[Symbol.asyncIterator]();
  const leaving = new Interruption();
  if (stream.destroyed) leaving.interrupt(callerLeft());
  else stream.once("close", () => leaving.interrupt(callerLeft()));
  try {
    for (;;) {
      const next = await leaving.until(chunks.next());
      if (next.done === true) break;
      if (!stream.write(next.value)) await leaving.until(drained(stream));
    }
    stream.end();
  } catch (reason) {
    // Half an answer must not look like a whole one.
    stream.destroy();
    if (!stream.closed) throw reason;
  } finally {
    chunks.return?.().catch(() => undefined);
  }
}

/** The refusal of a body above the limit. */
export function tooLarge(bytesMax: number): MicroError {
  return new MicroError("payload_too_large", `the body is above the limit of ${bytesMax} bytes`);
}
