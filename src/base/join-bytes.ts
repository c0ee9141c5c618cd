/** All of the pieces, one behind the other. */
export function joinBytes(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    joined.set(piece, at);
    at += piece.length;
  }
  return joined;
}

/** Gathers small pieces until there are `bytesMin`, so that a thousand small files are not a thousand messages. */
export async function* gatherBytes(pieces: AsyncIterable<Uint8Array>, bytesMin: number): AsyncGenerator<Uint8Array> {
  let waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  for await (const piece of pieces) {
    waiting.push(piece);
    waitingBytes += piece.length;
    if (waitingBytes < bytesMin) continue;
    yield joinBytes(waiting);
    waiting = [];
    waitingBytes = 0;
  }
  if (waitingBytes > 0) yield joinBytes(waiting);
}
