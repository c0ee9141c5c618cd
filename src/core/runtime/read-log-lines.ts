import type { LogLine } from "#interface/runtime.ts";
import type { LogPart } from "./log-file.ts";
import { LineSplitter } from "./line-splitter.ts";
import { parseLogLine } from "./log-line.ts";

const blockBytes = 64 * 1024;
const newline = 0x0a;
/** Lines in the file are as long as the splitter lets them be, plus what stands before the text. */
const noLimit = Number.MAX_SAFE_INTEGER;

/** All lines of a file from its beginning. */
export async function* readLinesForward({ handle, sizeBytes }: LogPart): AsyncGenerator<LogLine> {
  const splitter = new LineSplitter(noLimit);
  for (let at = 0; at < sizeBytes;) {
    const block = await readBlock({ handle, sizeBytes }, at, Math.min(blockBytes, sizeBytes - at));
    if (block.byteLength === 0) return;
    at += block.byteLength;
    yield* splitter.push(block).flatMap((text) => parseLogLine(text) ?? []);
  }
}

/** All lines of a file from its end, so that the last few cost little however large it is. */
export async function* readLinesBackward({ handle, sizeBytes }: LogPart): AsyncGenerator<LogLine> {
  let rest: Uint8Array = new Uint8Array(0);
  for (let end = sizeBytes; end > 0;) {
    const start = Math.max(0, end - blockBytes);
    const block = Buffer.concat([await readBlock({ handle, sizeBytes }, start, end - start), rest]);
    end = start;
    // What stands before the first line end continues a line of the block before.
    const firstEnd = start === 0 ? -1 : block.indexOf(newline);
    if (firstEnd < 0 && start > 0) {
      rest = block;
      continue;
    }
    rest = block.subarray(0, firstEnd + 1);
    const lines = new LineSplitter(noLimit).push(block.subarray(firstEnd + 1));
    yield* lines.toReversed().flatMap((text) => parseLogLine(text) ?? []);
  }
}

async function readBlock({ handle }: LogPart, position: number, length: number): Promise<Uint8Array> {
  const buffer = new Uint8Array(length);
  const { bytesRead } = await handle.read(buffer, 0, length, position);
  return buffer.subarray(0, bytesRead);
}
