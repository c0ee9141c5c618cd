/** Shows lines in place of those that were shown before, in a terminal. */
export interface Redraw {
  show(lines: readonly string[]): void;
}

/** Lines are cut where the terminal ends, so that the next ones take the same place. */
export function startRedraw(): Redraw {
  let shownCount = 0;
  return {
    show: (lines) => {
      const { columns, rows } = process.stdout;
      const fitting = lines.slice(0, Math.max(1, rows - 1)).map((line) => Bun.sliceAnsi(line, 0, columns));
      // Cursor up and erase below, https://www.xfree86.org/current/ctlseqs.html.
      const back = shownCount === 0 ? "" : `\u001b[${shownCount}A`;
      process.stdout.write(`${back}\r\u001b[J${fitting.join("\n")}\n`);
      shownCount = fitting.length;
    },
  };
}
