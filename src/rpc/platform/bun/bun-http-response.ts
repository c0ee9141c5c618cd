import type { HttpResponse } from "#rpc/http-exchange.ts";

/** An answer as Bun's server takes it. A stream is read when the caller's side has room for its next chunk. */
export function toBunResponse({ status, headers, body }: HttpResponse): Response {
  return new Response(body instanceof Uint8Array ? (body as Uint8Array<ArrayBuffer>) : toReadable(body), {
    status,
    headers,
  });
}

function toReadable(chunks: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  const reader = chunks[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        const next = await reader.next();
        if (next.done === true) controller.close();
        else controller.enqueue(next.value);
      },
      cancel: () => {
        // Not awaited: a producer that waits for its next chunk would hold up the end of the connection.
        reader.return?.().catch(() => undefined);
      },
    },
    { highWaterMark: 0 },
  );
}
