import { writeSync } from "node:fs";

/** One line of result. */
export function printLine(text: string): void {
  writeOut(`${text}\n`);
}

/** Lines of result; nothing for none. */
export function printLines(lines: readonly string[]): void {
  if (lines.length > 0) writeOut(`${lines.join("\n")}\n`);
}

/** A value for programs, indented with a tab as Micro's command line does. */
export function printJson(value: unknown): void {
  writeOut(`${JSON.stringify(value, undefined, "\t")}\n`);
}

/** A value for programs on one line. */
export function printCompactJson(value: unknown): void {
  writeOut(`${JSON.stringify(value)}\n`);
}

/** Bytes of result as they are. */
export function printBytes(bytes: Uint8Array): void {
  writeAll(1, bytes);
}

/** One line for the person at the terminal, beside the result. */
export function printNote(text: string): void {
  writeAll(2, new TextEncoder().encode(`${text}\n`));
}

/**
 * Writes at once, and ends the process quietly when the reader has left (`micro logs -f x | head`): there is nobody to
 * tell, and what is streamed must not go on for nobody.
 */
function writeOut(text: string): void {
  writeAll(1, new TextEncoder().encode(text));
}

function writeAll(descriptor: 1 | 2, bytes: Uint8Array): void {
  let offset = 0;
  while (offset < bytes.length) {
    try {
      offset += writeSync(descriptor, bytes, offset);
    } catch (reason) {
      const code = reason instanceof Error && "code" in reason ? reason.code : undefined;
      if (code === "EPIPE") process.exit(0);
      if (code !== "EAGAIN") throw reason;
      // A pipe that somebody made non-blocking is full: its reader is slow.
      Bun.sleepSync(1);
    }
  }
}
