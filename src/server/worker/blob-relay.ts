import { unlink } from "node:fs/promises";
import { MicroError } from "#base/error.ts";
import type { Stoppable } from "#base/lifecycle.ts";
import { limits } from "#base/limits.ts";
import { errorResponse } from "#gateway/error-response.ts";
import type { BlobAnswerer } from "#gateway/public-blobs.ts";
import { clearStaleSocket } from "#rpc/listen-address.ts";

/** Answers for public blobs at a socket file, for the workers of this server. It begins and ends with the main process. */
export async function listenForBlobs(socketPath: string, answerBlob: BlobAnswerer): Promise<Stoppable> {
  await clearStaleSocket(socketPath);
  const server = Bun.serve({
    unix: socketPath,
    development: false,
    fetch: async (request) => {
      try {
        // As the caller wrote it: the path of a URL object would be a cleaned one.
        const path = request.headers.get(pathHeader) ?? "";
        return await answerBlob({ request, path, onError: () => undefined });
      } catch (reason) {
        return errorResponse(MicroError.from(reason));
      }
    },
  });
  return {
    stop: async () => {
      await server.stop(true);
      await unlink(socketPath).catch(() => undefined);
    },
  };
}

/** Header with the path that was asked for. */
const pathHeader = "micro-blob-path";

/** Headers of the caller that decide about the answer. */
const relayedHeaders = ["range", "if-range", "if-match", "if-none-match", "if-modified-since", "if-unmodified-since"];

/** Answers for public blobs in a worker: with what the main process says. @throws MicroError `unavailable` when it does not. */
export function relayBlobs(socketPath: string): BlobAnswerer {
  return async ({ request, path, onSize }) => {
    const headers: Record<string, string> = { [pathHeader]: path };
    for (const name of relayedHeaders) {
      const value = request.headers.get(name);
      if (value !== null) headers[name] = value;
    }
    const { method, signal } = request;
    const answer = await fetch("http://blobs/", {
      unix: socketPath,
      method,
      headers,
      signal,
      decompress: false,
    }).catch((cause: unknown) => {
      throw new MicroError("unavailable", "the blob cannot be had at the moment; try again", { at: "gateway", cause });
    });
    const { status } = answer;
    const init = { status, headers: endToEnd(answer.headers) };
    if (method === "HEAD" || answer.body === null) return new Response(null, init);
    const sizeBytes = Number(answer.headers.get("content-length") ?? Number.POSITIVE_INFINITY);
    if (sizeBytes > limits.blobWholeBytesMax) {
      if (status < 400) onSize?.(sizeBytes);
      return new Response(answer.body, init);
    }
    if (status < 400) onSize?.(sizeBytes);
    return new Response(await answer.arrayBuffer(), init);
  };
}

function endToEnd(received: Headers): Headers {
  const headers = new Headers(received);
  for (const name of ["connection", "keep-alive", "transfer-encoding", "date"]) headers.delete(name);
  return headers;
}
