import { existsSync } from "node:fs";
import { mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { CommandError } from "#cli/command-error.ts";
import type { TemplateFile } from "./service-template.ts";

/**
 * Makes a folder with these files, and links to the framework for editors. The folder appears complete or not at all.
 *
 * @throws CommandError when the folder is there already or cannot be made.
 */
export async function writeScaffold(folder: string, files: readonly TemplateFile[], name: string): Promise<void> {
  if (existsSync(folder)) throw new CommandError(`${name} already exists`, { code: "conflict" });
  const aside = `${folder}.${process.pid}.new`;
  try {
    for (const { path, text } of files) {
      await mkdir(dirname(join(aside, path)), { recursive: true });
      await writeFile(join(aside, path), text);
    }
    await linkFramework(aside);
    await rename(aside, folder);
  } catch (reason) {
    await rm(aside, { recursive: true, force: true });
    const why = reason instanceof Error && "code" in reason ? String(reason.code) : String(reason);
    throw new CommandError(`Cannot create ${folder}: ${why}`, { cause: reason });
  }
}

/** What editors look up: the framework, and the types of the platform that it runs on. */
const editorLinks: Readonly<Record<string, string>> = {
  "micro-ts": "",
  "@types/bun": "node_modules/@types/bun",
  "@types/node": "node_modules/@types/node",
};

/** Links to the package that this file belongs to, where it lies on disk; the single executable has none to link to. */
async function linkFramework(folder: string): Promise<void> {
  const packageFolder = join(import.meta.dir, "..", "..", "..");
  if (!existsSync(join(packageFolder, "package.json"))) return;
  for (const [name, path] of Object.entries(editorLinks)) {
    const target = join(packageFolder, path);
    const link = join(folder, "node_modules", name);
    await mkdir(dirname(link), { recursive: true });
    if (existsSync(target)) await symlink(target, link, "dir");
  }
}
