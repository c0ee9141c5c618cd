/** One base64 text with its padding, as part of a longer one. */
const paddedTexts = /[A-Za-z0-9+/]+={0,2}/g;

/** The bytes of a body in base64, which may be several texts one after the other, each with its own padding, cut anywhere. */
export async function* decodeWebText(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let rest = "";
  for await (const chunk of chunks) {
    const text = rest + Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString("latin1");
    const whole = text.length - (text.length % 4);
    rest = text.slice(whole);
    for (const [part] of text.slice(0, whole).matchAll(paddedTexts)) yield Buffer.from(part, "base64");
  }
  if (rest !== "") yield Buffer.from(rest, "base64");
}

/** The same bytes as base64, each chunk for itself, so that none waits for the next. */
export async function* encodeWebText(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) yield Buffer.from(Buffer.from(chunk).toString("base64"), "latin1");
}
