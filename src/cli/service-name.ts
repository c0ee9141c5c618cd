import { existsSync } from "node:fs";
import { basename, resolve } from "node:path";
import { checkName } from "./check-name.ts";
import { CommandError } from "./command-error.ts";
import { nameOfGitSource, parseGitSource } from "#base/git-source.ts";
import { isName } from "#base/name.ts";

/** A service and perhaps one version of it. */
export interface ServiceReference {
  readonly name: string;
  /** Empty when none was named. */
  readonly version: string;
}

/** Reads `name`, `name@version`, or a path or repository, which stands for the service of that name. @throws CommandError */
export function parseServiceReference(text: string): ServiceReference {
  const git = existsSync(text) ? undefined : parseGitSource(text);
  if (git !== undefined) return { name: nameOfRepository(nameOfGitSource(git)), version: "" };
  if (text === "." || text === ".." || text.includes("/")) return { name: nameOfFolder(text), version: "" };
  const at = text.indexOf("@");
  const name = at === -1 ? text : text.slice(0, at);
  const version = at === -1 ? "" : text.slice(at + 1);
  checkName("service", name);
  if (at !== -1) checkName("version", version);
  return { name, version };
}

/** The service that a folder is when nothing else is said: its own name. @throws CommandError */
export function nameOfFolder(path: string): string {
  const name = basename(resolve(path));
  if (isName("service", name)) return name;
  throw new CommandError(`The folder name "${name}" is no service name: give one with --name`);
}

/** The service that a repository or a folder of it is when nothing else is said. @throws CommandError */
export function nameOfRepository(name: string): string {
  if (isName("service", name)) return name;
  throw new CommandError(`The name "${name}" is no service name: give one with --name`);
}
