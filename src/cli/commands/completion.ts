import { CommandError } from "#cli/command-error.ts";
import type { Command } from "#cli/command.ts";
import { completionScript, shells } from "#cli/completion/completion-script.ts";
import { printLine } from "#cli/output/print.ts";

/** `micro completion SHELL`. */
export const command: Command = {
  kind: "command",
  summary: "Print a completion script for a shell",
  usage: "bash|zsh|fish",
  details: "source <(micro completion bash)",
  flags: [],
  wordCount: { min: 1, max: 1 },
  run: async ({ words: [text] }) => {
    const shell = shells.find((each) => each === text);
    if (shell === undefined) throw new CommandError(`"${text}" is not a shell that is known: ${shells.join(", ")}`);
    printLine(completionScript(shell).trimEnd());
  },
};
