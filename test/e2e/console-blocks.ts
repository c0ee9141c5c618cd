/** One command of a page, with what the page says that it prints. */
export interface ShownCommand {
  /** Line of the page on which it stands, from 1. */
  readonly line: number;
  /** As a shell takes it; several lines where it goes on. */
  readonly text: string;
  /** Empty where the page shows nothing, and nothing is compared. */
  readonly output: string;
}

/** The commands of one block: they are typed into one shell, so that what one sets the next one sees. */
export type ConsoleBlock = readonly ShownCommand[];

/**
 * The `console` blocks of a Markdown page, in order. In them `$ ` begins a command, `> ` goes on with it, and every other
 * line is output.
 */
export function parseConsoleBlocks(page: string): ConsoleBlock[] {
  const blocks: ShownCommand[][] = [];
  let block: ShownCommand[] | undefined;
  page.split("\n").forEach((text, index) => {
    if (block === undefined) {
      if (text === "```console") blocks.push((block = []));
    } else if (text === "```") {
      block = undefined;
    } else {
      addLine(block, text, index + 1);
    }
  });
  return blocks;
}

function addLine(block: ShownCommand[], text: string, line: number): void {
  if (text.startsWith("$ ")) {
    block.push({ line, text: text.slice(2), output: "" });
    return;
  }
  const last = block.pop();
  if (last === undefined) throw new Error(`line ${line}: a console block begins with "$ "`);
  if (text === ">" || text.startsWith("> ")) block.push({ ...last, text: `${last.text}\n${text.slice(2)}` });
  else block.push({ ...last, output: `${last.output}${text}\n` });
}

/** A mark in the shell's output that no command prints. */
const mark = "\u0001";

/** A script that runs the commands one after the other; `readOutputs` takes its output apart again. */
export function toShellScript(block: ConsoleBlock): string {
  const steps = block.map(({ text }) => `${text}\nprintf '\\001%s\\001' "$?"\n`);
  return ["exec 2>&1\n", ...steps].join("");
}

/** What each command printed, standard output and standard error in one, and how it ended. */
export function readOutputs(printed: string): { readonly output: string; readonly code: number }[] {
  const parts = printed.split(mark);
  const outputs: { output: string; code: number }[] = [];
  for (let at = 0; at + 1 < parts.length; at += 2) {
    outputs.push({ output: parts[at] ?? "", code: Number(parts[at + 1]) });
  }
  return outputs;
}

/** True when `output` is what the page shows: `…` stands for any text, and blanks of any number are one blank. */
export function matchesShown(shown: string, output: string): boolean {
  const pattern = squeeze(shown)
    .split("…")
    .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"))
    .join("[\\s\\S]*?");
  return new RegExp(`^${pattern}$`).test(squeeze(output));
}

function squeeze(text: string): string {
  const lines = text.split("\n").map((line) => line.replaceAll(/[ \t]+/g, " ").trim());
  return lines.join("\n").trim();
}
