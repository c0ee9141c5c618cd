import { CommandError } from "#cli/command-error.ts";
import type { Command } from "#cli/command.ts";

/** `micro __worker`: a process of `micro server --workers`, which starts it. */
export const command: Command = {
  kind: "command",
  summary: "Share the ports of a server",
  usage: "",
  flags: [],
  wordCount: { min: 0, max: 0 },
  run: async () => {
    const [{ runWorker }, { MicroError }] = await Promise.all([
      import("#server/worker/main.ts"),
      import("#base/error.ts"),
    ]);
    try {
      await runWorker();
    } catch (reason) {
      const { code, detail } = MicroError.from(reason);
      throw new CommandError(detail, { code, cause: reason });
    }
  },
};
