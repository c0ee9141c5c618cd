import { limits } from "#base/limits.ts";

/**
 * The body of an answer from the pieces of a blob. The first piece is read before, so that content that is damaged at
 * once still has a status that says so; what fails later cuts the connection. A reader that is slow holds the pieces back,
 * and one that leaves ends them.
 *
 * Small ones are read whole, because Bun sends a length only with a body that it knows the end of.
 *
 * @param onError hears of what fails later, which no status can say any more.
 */
export async function toBody(
  { content, sizeBytes }: { readonly content: AsyncIterable<Uint8Array>; readonly sizeBytes: number },
  onError: (reason: unknown) => void,
): Promise<Uint8Array | ReadableStream> {
  if (sizeBytes <= limits.blobWholeBytesMax) return collect(content);
  const pieces = content[Symbol.asyncIterator]();
  let next: IteratorResult<Uint8Array> | undefined = await pieces.next();
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        try {
          const result = next ?? (await pieces.next());
          next = undefined;
          if (result.done === true) controller.close();
          else controller.enqueue(result.value);
        } catch (reason) {
          onError(reason);
          controller.error(reason);
        }
      },
      cancel: async () => {
        await pieces.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}

async function collect(content: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of content) pieces.push(piece);
  return Buffer.concat(pieces);
}
