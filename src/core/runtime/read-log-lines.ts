import type { LogLine } from "#interface/runtime.ts";
import type { LogFile, LogPart, LogPlace } from "./log-file.ts";
import { LineSplitter } from "./line-splitter.ts";
import { parseLogLine } from "./log-line.ts";

const blockBytes = 64 * 1024;
const newline = 0x0a;
/** Lines in the file are as long as the splitter lets them be, plus what stands before the text. */
const noLimit = Number.MAX_SAFE_INTEGER;

/** All lines of a part from its beginning, or from a place in it where a line begins. */
export async function* readLinesForward(log: LogFile, part: LogPart, from = 0): AsyncGenerator<LogLine> {
  const splitter = new LineSplitter(noLimit);
  for (let at = from; at < part.sizeBytes;) {
    const block = await readPart(log, part, at, Math.min(blockBytes, part.sizeBytes - at));
    if (block.byteLength === 0) return;
    at += block.byteLength;
    yield* parseLines(splitter.push(block));
  }
}

/** All lines of a part from its end, so that the last few cost little however large it is. */
export async function* readLinesBackward(log: LogFile, part: LogPart): AsyncGenerator<LogLine> {
  let rest: Uint8Array = new Uint8Array(0);
  for (let end = part.sizeBytes; end > 0;) {
    const start = Math.max(0, end - blockBytes);
    const block = Buffer.concat([await readPart(log, part, start, end - start), rest]);
    end = start;
    // What stands before the first line end continues a line of the block before.
    const firstEnd = start === 0 ? -1 : block.indexOf(newline);
    if (firstEnd < 0 && start > 0) {
      rest = block;
      continue;
    }
    rest = block.subarray(0, firstEnd + 1);
    yield* parseLines(new LineSplitter(noLimit).push(block.subarray(firstEnd + 1))).toReversed();
  }
}

/** Where in a part to begin so that no line of `sinceMs` or later is missed: found with a few reads, however large it is. */
export async function findSince(log: LogFile, part: LogPart, sinceMs: number): Promise<number> {
  let [low, high] = [0, part.sizeBytes];
  let from = 0;
  while (high - low > blockBytes) {
    const middle = Math.floor((low + high) / 2);
    const block = await readPart(log, part, middle, blockBytes);
    const start = block.indexOf(newline) + 1;
    const first = start === 0 ? undefined : parseLines(new LineSplitter(noLimit).push(block.subarray(start)))[0];
    if (first === undefined || first.timestampMs >= sinceMs) high = middle;
    else from = low = middle + start;
  }
  return from;
}

/**
 * Lines as they are appended behind a place, until `signal` aborts or the log is closed. A reader takes what is in the files
 * whenever it asks; undefined stands for lines that were removed before it did.
 */
export async function* followLines(
  log: LogFile,
  from: LogPlace,
  signal: AbortSignal | undefined,
): AsyncGenerator<LogLine | undefined> {
  let { file, offset } = from;
  let splitter = new LineSplitter(noLimit);
  const goTo = (next: number): void => {
    [file, offset, splitter] = [next, 0, new LineSplitter(noLimit)];
  };
  const isLeft = (): boolean => signal?.aborted === true;
  while (!isLeft()) {
    const { version, current, isClosed } = log;
    const block = await log.readBlock({ file, offset }, blockBytes);
    if (block === undefined) {
      const [oldest] = await log.parts();
      goTo(Math.max(oldest?.file ?? log.current, file + 1));
      yield undefined;
    } else if (block.byteLength > 0) {
      offset += block.byteLength;
      yield* parseLines(splitter.push(block));
    } else if (file < current) goTo(file + 1);
    else if (isClosed) return;
    else await log.changedSince(version, signal);
  }
}

function parseLines(texts: readonly string[]): LogLine[] {
  return texts.flatMap((text) => parseLogLine(text) ?? []);
}

/** Nothing where the file is gone. */
async function readPart(log: LogFile, { file }: LogPart, offset: number, length: number): Promise<Uint8Array> {
  return (await log.readBlock({ file, offset }, length)) ?? new Uint8Array(0);
}
