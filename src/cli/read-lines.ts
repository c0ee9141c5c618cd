import { createReadStream } from "node:fs";
import { CommandError } from "./command-error.ts";
import { describeFileFailure } from "./file-failure.ts";

/** The lines of a text as it arrives, without their line breaks, which are `\n` and nothing else. */
export async function* splitLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  // Pieces of a line that has not ended; joined once, because a line may be as long as the largest value.
  let waiting: string[] = [];
  for await (const chunk of chunks) {
    const [first = "", ...others] = decoder.decode(chunk, { stream: true }).split("\n");
    waiting.push(first);
    for (const next of others) {
      yield waiting.join("");
      waiting = [next];
    }
  }
  const last = waiting.join("") + decoder.decode();
  if (last !== "") yield last;
}

/** The lines of a file. @throws CommandError when it cannot be read. */
export async function* readFileLines(path: string): AsyncGenerator<string> {
  const input = createReadStream(path);
  try {
    yield* splitLines(failingWith(input, path));
  } finally {
    input.destroy();
  }
}

/** Failures of reading name the file; those of whoever reads the lines pass through. */
async function* failingWith(chunks: AsyncIterable<Uint8Array>, path: string): AsyncGenerator<Uint8Array> {
  try {
    yield* chunks;
  } catch (reason) {
    throw new CommandError(`Cannot read ${path}: ${describeFileFailure(reason)}`, { cause: reason });
  }
}

/** How large a batch of lines may grow; a longer line is a batch of its own. */
export interface BatchBrim {
  readonly countMax: number;
  readonly charsMax: number;
}

/** Lines in batches: what has come is given at once, so that a slow writer's line does not wait for its next. */
export async function* readLineBatches(
  chunks: AsyncIterable<Uint8Array>,
  { countMax, charsMax }: BatchBrim,
): AsyncGenerator<readonly string[]> {
  const lines = splitLines(chunks);
  let batch: string[] = [];
  let chars = 0;
  let next = lines.next();
  for (;;) {
    const ready = batch.length === 0 ? await next : await Promise.race([next, soon()]);
    const line = ready === undefined || ready.done === true ? undefined : ready.value;
    const isFull = batch.length >= countMax || chars + (line?.length ?? 0) > charsMax;
    if (batch.length > 0 && (line === undefined || isFull)) {
      yield batch;
      batch = [];
      chars = 0;
    }
    if (ready?.done === true) return;
    if (line === undefined) continue;
    batch.push(line);
    chars += line.length;
    next = lines.next();
  }
}

/** Resolves when what is already there has been looked at. */
function soon(): Promise<undefined> {
  return new Promise((resolve) => {
    setImmediate(resolve, undefined);
  });
}
