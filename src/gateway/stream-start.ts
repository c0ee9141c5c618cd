/** How long the head of an answer waits for the first message, in milliseconds. */
const patienceMs = 1_000;

/** What is known of a stream when its answer begins: its first message or its end; nothing yet where it is silent. */
export interface StreamStart {
  readonly first: Promise<IteratorResult<Uint8Array>>;
}

/**
 * Waits for the first message, which tells whether the call works at all, so that a failure before it still has its
 * status. A stream that is silent for longer begins without it, because whoever waits wants to know that he is heard.
 *
 * @throws MicroError of the call, when it fails in time.
 */
export async function awaitStart(messages: AsyncIterator<Uint8Array>): Promise<StreamStart> {
  const first = messages.next();
  // Looked at again by whoever reads on.
  first.catch(() => undefined);
  const silence = Promise.withResolvers<void>();
  const timer = setTimeout(silence.resolve, patienceMs);
  try {
    await Promise.race([first, silence.promise]);
    return { first };
  } finally {
    clearTimeout(timer);
  }
}
