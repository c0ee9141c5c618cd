import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { CommandError } from "#cli/command-error.ts";
import { unitMark } from "./unit-file.ts";

export const unitName = "micro.service";

type Variables = Readonly<Record<string, string | undefined>>;

/** Where the unit lies: with those of the machine, or of the user. */
export function unitPath(isUser: boolean, variables: Variables): string {
  if (!isUser) return `/etc/systemd/system/${unitName}`;
  const config = variables["XDG_CONFIG_HOME"] ?? "";
  return `${config === "" ? `${variables["HOME"] ?? ""}/.config` : config}/systemd/user/${unitName}`;
}

/** @throws CommandError for one that somebody else wrote, and where it cannot be written. */
export async function writeUnit(path: string, text: string): Promise<void> {
  await requireOurs(path);
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text, { mode: 0o644 });
  } catch (reason) {
    throw cannot("written", path, reason);
  }
}

/** False when there is none. @throws CommandError as above. */
export async function removeUnit(path: string): Promise<boolean> {
  if ((await requireOurs(path)) === undefined) return false;
  try {
    await rm(path);
    return true;
  } catch (reason) {
    throw cannot("removed", path, reason);
  }
}

/** The unit that is there, if it is ours. */
export async function requireOurs(path: string): Promise<string | undefined> {
  const text = await readFile(path, "utf8").catch(() => undefined);
  if (text === undefined || text.startsWith(unitMark)) return text;
  throw new CommandError(`${path} was not written by micro server install: move it away first`);
}

function cannot(what: string, path: string, cause: unknown): CommandError {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const hint = code === "EACCES" || code === "EPERM" ? "run it with sudo, or use --user for a unit of your own" : code;
  return new CommandError(`${path} cannot be ${what}: ${hint}`, { cause });
}
