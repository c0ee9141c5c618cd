import { limits } from "#base/limits.ts";

/** Messages that are kept for a second attempt, in bytes. A call that was not taken has rarely sent more than one. */
const keptBytesMax = 1024 * 1024;

/**
 * The messages of a stream, which can be sent again from the first one until too many have been taken or the call has
 * been answered. Each reader begins with what was kept; the source is read once.
 */
export class ReplayableMessages {
  readonly #source: AsyncIterator<Uint8Array>;
  #kept: Uint8Array[] | undefined = [];
  #keptBytes = 0;
  /** A read of the source that a former reader began. */
  #pending: Promise<IteratorResult<Uint8Array>> | undefined;
  #isEnded = false;
  /** Counts the readers; a former one that wakes up late must not take a message from the present one. */
  #reader = 0;

  constructor(messages: AsyncIterable<Uint8Array>) {
    this.#source = messages[Symbol.asyncIterator]();
  }

  /** False when messages are gone that a further attempt would need. */
  get canReplay(): boolean {
    return this.#kept !== undefined;
  }

  /** No further attempt will be made: nothing more is kept. */
  settle(): void {
    this.#kept = undefined;
  }

  /** The source is not wanted any more. */
  leave(): void {
    this.settle();
    // Not awaited: a source that waits for its next message ends in its own time.
    this.#source.return?.().catch(() => undefined);
  }

  /** All messages, for one attempt. One reader at a time. */
  async *read(): AsyncGenerator<Uint8Array, void> {
    this.#reader += 1;
    const reader = this.#reader;
    yield* this.#kept?.slice() ?? [];
    while (!this.#isEnded && reader === this.#reader) {
      this.#pending ??= this.#source.next();
      const next = await this.#pending;
      if (reader !== this.#reader) return;
      this.#pending = undefined;
      if (next.done === true) this.#isEnded = true;
      else {
        this.#keep(next.value);
        yield next.value;
      }
    }
  }

  #keep(message: Uint8Array): void {
    if (this.#kept === undefined) return;
    this.#keptBytes += message.byteLength;
    if (this.#keptBytes > keptBytesMax || this.#kept.length >= limits.streamQueueCountMax) this.#kept = undefined;
    else this.#kept.push(message);
  }
}
