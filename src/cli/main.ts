import { formatTopHelp } from "./command-table.ts";

/**
 * The command line's entry. Help and version answer from here; everything else is loaded when it is known to be needed,
 * because a user waits for every file.
 */
const words = process.argv.slice(2);

if (words.length === 1 && (words[0] === "--help" || words[0] === "-h" || words[0] === "help")) {
  console.log(formatTopHelp().trimEnd());
} else {
  const { runCommandLine } = await import("./run-command-line.ts");
  process.exitCode = await runCommandLine(words, process.env);
}
