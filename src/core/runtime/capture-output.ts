import { delay } from "#base/lifecycle.ts";
import { LineSplitter } from "./line-splitter.ts";
import type { RateLimit } from "./rate-limit.ts";

export interface CaptureOptions {
  /** Takes lines; the next are read when it resolves. */
  readonly onLines: (lines: readonly string[]) => Promise<void>;
  readonly rate: RateLimit;
  /** Ends the reading, whoever still holds the other side of the pipe. */
  readonly signal: AbortSignal;
}

/**
 * Reads the output of a process line by line until it ends. What is not read yet stays in the pipe, so that a process
 * that prints without end is slowed down and takes no memory here.
 */
export async function captureOutput(stream: ReadableStream<Uint8Array>, options: CaptureOptions): Promise<void> {
  const { onLines, rate, signal } = options;
  const reader = stream.getReader();
  const splitter = new LineSplitter();
  const cancel = (): void => {
    // Fails when the stream has ended by itself, which is what is wanted.
    reader.cancel().catch(() => undefined);
  };
  signal.addEventListener("abort", cancel, { once: true });
  try {
    while (!signal.aborted) {
      const { done, value } = await reader.read();
      if (done) break;
      await onLines(splitter.push(value));
      const waitMs = rate.take(value.byteLength);
      if (waitMs > 0) await delay(waitMs, signal);
    }
    await onLines(splitter.end());
  } finally {
    signal.removeEventListener("abort", cancel);
  }
}
