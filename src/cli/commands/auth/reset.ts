import { existsSync } from "node:fs";
import { CommandError } from "#cli/command-error.ts";
import type { Command } from "#cli/command.ts";
import { printJson, printLine, printNote } from "#cli/output/print.ts";
import { MicroError } from "#base/error.ts";
import { resolveHome } from "#base/home.ts";

/** `micro auth reset`: for the operator who locked himself out. */
export const reset: Command = {
  kind: "command",
  summary: "Let the administrator in again, on the server's machine",
  usage: "",
  details:
    "Works on MICRO_HOME (default ~/.micro) of this machine, while no server runs there. The administrator gets a new\n" +
    "secret, which is shown this one time, and every login of his ends; where rules keep him out of the service auth,\n" +
    "rules named reset-… let him in.",
  flags: [],
  wordCount: { min: 0, max: 0 },
  run: async ({ isJson }) => {
    const paths = resolveHome(process.env);
    if (!existsSync(paths.storeFolder)) {
      throw new CommandError(`${paths.home} is no home of a server: set MICRO_HOME to that of the server`, {
        code: "not_found",
      });
    }
    // oxlint-disable-next-line no-restricted-imports -- the server's own work, done while it does not run
    const { resetAdministrator } = await import("#server/reset-administrator.ts");
    try {
      const { id, secret, created, deleted } = await resetAdministrator(paths);
      if (isJson) return printJson({ id, secret, rules: { created, deleted } });
      printLine(`Administrator ${id}, secret ${secret}`);
      for (const rule of created) printNote(`rule ${rule} lets the administrator in`);
      for (const rule of deleted) printNote(`rule ${rule} stood in the way and is deleted`);
      printNote("the secret is shown this one time; start the server and log in with micro login");
    } catch (reason) {
      if (!MicroError.is(reason) || reason instanceof CommandError) throw reason;
      // A plain failure of this command; the other exit codes speak of a server that answered.
      throw new CommandError(reason.detail, { code: reason.code, cause: reason });
    }
  },
};
