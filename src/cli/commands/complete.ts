import type { Command } from "#cli/command.ts";
import { completeLine } from "#cli/completion/complete-line.ts";
import { printLines } from "#cli/output/print.ts";

/** `micro __complete -- WORD…`: what the last word may become, one a line. Asked by the shells' scripts. */
export const command: Command = {
  kind: "command",
  summary: "Answer a shell's completion",
  usage: "-- WORD…",
  flags: [],
  takesRest: true,
  run: async ({ rest, session }) => {
    const words = rest ?? [];
    const current = words.at(-1) ?? "";
    const candidates = await completeLine(session, words.slice(0, -1), current).catch(() => []);
    printLines([...new Set(candidates)].filter((each) => each.startsWith(current)).sort());
  },
};
