import type { Command } from "#cli/command.ts";
import { printNote } from "#cli/output/print.ts";
import { CommandError } from "#cli/command-error.ts";
import { Systemctl } from "#cli/systemd/systemctl.ts";
import { removeUnit, requireOurs, unitName, unitPath, writeUnit } from "#cli/systemd/unit-path.ts";

/** `micro server uninstall`: undoes `micro server install`. What the server keeps stays. */
export const uninstall: Command = {
  kind: "command",
  summary: "End the server of micro server install, and remove its unit",
  usage: "",
  details: "Ends the server and its services. MICRO_HOME stays: a server that is started on it has them all again.",
  flags: [{ name: "user", kind: "bool", help: "the unit of the current user" }],
  wordCount: { min: 0, max: 0 },
  run: async ({ flags }) => {
    const isUser = flags.isOn("user");
    const path = unitPath(isUser, process.env);
    const unit = await requireOurs(path);
    if (unit === undefined) {
      throw new CommandError(
        `${path} is not there: nothing was installed${isUser ? "" : "; --user is the unit of a user"}`,
      );
    }
    const systemctl = new Systemctl(isUser);
    await systemctl.requireRunning();
    await systemctl.run("disable", unitName);
    // Services would outlive the server, which is what they do when it is replaced: this time all are ended.
    await writeUnit(path, unit.replace("KillMode=process", "KillMode=control-group"));
    await systemctl.run("daemon-reload");
    await systemctl.run("stop", unitName);
    await removeUnit(path);
    await systemctl.run("daemon-reload");
    printNote(`the server is ended and ${path} is removed`);
  },
};
