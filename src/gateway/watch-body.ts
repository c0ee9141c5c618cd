/**
 * The same answer, of whose body somebody hears when it ends: how many bytes it had. A reader that leaves ends it too.
 */
export function watchBody(response: Response, onEnd: (bytes: number) => void): Response {
  const { body } = response;
  if (body === null) {
    onEnd(0);
    return response;
  }
  const reader = body.getReader();
  let bytes = 0;
  let isOver = false;
  const end = (): void => {
    if (!isOver) onEnd(bytes);
    isOver = true;
  };
  const watched = new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        try {
          const result = await reader.read();
          if (result.done) {
            end();
            controller.close();
            return;
          }
          bytes += result.value.byteLength;
          controller.enqueue(result.value);
        } catch (reason) {
          end();
          controller.error(reason);
        }
      },
      cancel: async (reason) => {
        end();
        await reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
  return new Response(watched, { status: response.status, headers: response.headers });
}
