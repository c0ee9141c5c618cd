import { MicroError } from "#base/error.ts";
import type { ConsumeOptions, Consumer, DeliveredEvent, Events } from "#interface/events.ts";
import { linkSignals } from "#rpc/link-signals.ts";

export interface ConsumeStream<T> {
  readonly events: Events;
  readonly options: ConsumeOptions;
  /** Ends the stream. */
  readonly signal: AbortSignal;
  /** What the caller sends after its first message. */
  readonly answers: AsyncIterator<T>;
  /** The end of the answers is the end of the stream. @default false, no more acknowledgements come */
  readonly leavesAtEnd?: boolean;
  /** @throws MicroError when the answer is none; that ends the stream. */
  readonly onAnswer: (consumer: Consumer, answer: T) => void;
}

/** Events to be sent, and who answers for them. */
export interface ConsumedBatch {
  readonly consumer: Consumer;
  readonly batch: readonly DeliveredEvent[];
}

/** Joins a group for as long as its result is read, and takes the caller's answers meanwhile. */
export async function* consumeStream<T>(stream: ConsumeStream<T>): AsyncGenerator<ConsumedBatch> {
  const leaving = new AbortController();
  const link = linkSignals(stream.signal, leaving);
  let failure: MicroError | undefined;
  try {
    const consumer = stream.events.consume({ ...stream.options, signal: leaving.signal });
    // It ends with the call at the latest, because then the answers end.
    takeAnswers(stream, consumer).then(
      () => {
        if (stream.leavesAtEnd === true) leaving.abort();
      },
      (reason: unknown) => {
        failure = MicroError.from(reason);
        leaving.abort();
      },
    );
    for await (const batch of consumer) yield { consumer, batch };
    if (failure !== undefined) throw failure;
  } finally {
    link.release();
    leaving.abort();
  }
}

async function takeAnswers<T>({ answers, onAnswer }: ConsumeStream<T>, consumer: Consumer): Promise<void> {
  for (;;) {
    const next = await answers.next();
    if (next.done === true) return;
    onAnswer(consumer, next.value);
  }
}
