import { isatty } from "node:tty";

/** One line that says what a command waits for; it is gone when the command is done. */
export interface ProgressLine {
  show(text: string): void;
  clear(): void;
}

/** A progress line on standard error where that is a terminal; elsewhere nothing is shown. */
export function startProgress(): ProgressLine {
  if (!isatty(2)) return { show: () => undefined, clear: () => undefined };
  let shown = "";
  const write = (text: string): void => {
    if (text === shown) return;
    shown = text;
    // Carriage return and "erase line", https://www.xfree86.org/current/ctlseqs.html.
    process.stderr.write(`\r\u001b[2K${text}`);
  };
  return { show: write, clear: () => write("") };
}
