import { readFile } from "node:fs/promises";
import { CommandError } from "#cli/command-error.ts";

export interface RunAs {
  readonly user: string;
  /** The user's home folder. */
  readonly home: string;
}

/**
 * Who a server of the machine runs as: who was named, else who called sudo.
 *
 * @throws CommandError for nobody, and for a user that is not there.
 */
export async function resolveRunAs(named: string | undefined, sudoUser: string | undefined): Promise<RunAs> {
  const user = named ?? sudoUser ?? "";
  if (user === "")
    throw new CommandError("Say who the server runs as: --run-as USER, or --user for a unit of your own");
  const accounts = await readFile("/etc/passwd", "utf8").catch(() => "");
  const fields = accounts.split("\n").map((line) => line.split(":"));
  const home = fields.find(([name]) => name === user)?.[5];
  if (home !== undefined && home !== "") return { user, home };
  throw new CommandError(`There is no user ${user} on this machine`);
}
