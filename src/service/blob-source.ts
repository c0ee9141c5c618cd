import { limits } from "#base/limits.ts";

/** What a blob is written from. Text becomes UTF-8. */
export type BlobSource = Uint8Array | string | AsyncIterable<Uint8Array> | ReadableStream<Uint8Array>;

/** The pieces of a source, none larger than `limits.blobPieceBytes`. One that is read as it comes is left when we stop early. */
export async function* toPieces(source: BlobSource): AsyncGenerator<Uint8Array> {
  if (typeof source === "string") yield* split(new TextEncoder().encode(source));
  else if (source instanceof Uint8Array) yield* split(source);
  else if (Symbol.asyncIterator in source) for await (const each of source) yield* split(each);
  else for await (const each of readStream(source)) yield* split(each);
}

function* split(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += limits.blobPieceBytes) yield bytes.subarray(at, at + limits.blobPieceBytes);
}

/** Some browsers' streams can be read by hand only. */
async function* readStream(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  let isEnded = false;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      isEnded = done;
      if (value === undefined) return;
      yield value;
    }
  } finally {
    if (!isEnded) await reader.cancel();
  }
}
