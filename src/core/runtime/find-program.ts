import { statSync } from "node:fs";
import { MicroError } from "#base/error.ts";

/**
 * A program by name: a path inside the folder, an absolute one, or one of PATH.
 *
 * @throws MicroError `invalid_argument` when there is none, or it may not be executed.
 */
export function findProgram(program: string, folder: string, path: string): string {
  if (program.includes("\0")) throw new MicroError("invalid_argument", "the command holds a zero character");
  const local = program.startsWith("/") ? program : `${folder}/${program}`;
  const isFile = statSync(local, { throwIfNoEntry: false })?.isFile() === true;
  if (isFile && isExecutable(local)) return local;
  if (isFile) {
    throw new MicroError("invalid_argument", `command ${program} is not executable; make it so: chmod +x ${program}`);
  }
  const found = program.includes("/") ? null : Bun.which(program, { PATH: path });
  if (found !== null) return found;
  throw new MicroError("invalid_argument", `command ${program} is neither in the source nor on the server's PATH`);
}

/** Whether somebody may execute a file. */
export function isExecutable(path: string): boolean {
  return ((statSync(path, { throwIfNoEntry: false })?.mode ?? 0) & 0o111) !== 0;
}

/**
 * A tool that builds or runs services of one kind.
 *
 * @param why who needs it: "go.mod asks for it". @throws MicroError `failed_precondition`.
 */
export function requireTool(name: string, path: string, why: string): string {
  const found = Bun.which(name, { PATH: path });
  if (found !== null) return found;
  throw new MicroError("failed_precondition", `${name} is not on the server's PATH: ${why}`);
}
