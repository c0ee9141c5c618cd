import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { belongsToWhole, filesAbove, isScanned, namesAbove, projectFiles, scannedBytesMax } from "#base/source-root.ts";
import type { SourceFile } from "./collect-source.ts";

/**
 * The folder that has to be sent so that a service's folder can run: itself, or the root of the repository that it lies in where
 * it takes something from above.
 *
 * @param files of the folder
 */
export async function findSourceRoot(folder: string, files: readonly SourceFile[]): Promise<string> {
  const root = findRepository(folder);
  if (root === undefined || root === folder) return folder;
  return (await standsAlone(folder, { root, files })) ? folder : root;
}

/** The nearest folder above that is a repository, as git looks for it. */
function findRepository(folder: string): string | undefined {
  if (existsSync(join(folder, ".git"))) return folder;
  const above = dirname(folder);
  return above === folder ? undefined : findRepository(above);
}

async function standsAlone(
  folder: string,
  { root, files }: { readonly root: string; readonly files: readonly SourceFile[] },
): Promise<boolean> {
  const paths = filesAbove(toSourcePath(root, folder)).filter((path) => existsSync(join(root, path)));
  const packagePaths = paths.filter((path) => path.endsWith("package.json"));
  const packages = await Promise.all(packagePaths.map((path) => readText(join(root, path))));
  const isProject = projectFiles.some((name) => existsSync(join(folder, name)));
  if (belongsToWhole({ isProject, paths, packages })) return false;
  for (const { path, absolutePath, sizeBytes } of files) {
    if (sizeBytes > scannedBytesMax || !isScanned(path)) continue;
    if (namesAbove(path, await readText(absolutePath))) return false;
  }
  return true;
}

/** Empty for what cannot be read: whoever packs it says so. */
async function readText(path: string): Promise<string> {
  return readFile(path, "utf8").catch(() => "");
}

/** A folder below another, as sources name it. */
export function toSourcePath(root: string, folder: string): string {
  return relative(root, folder).split(sep).join("/");
}
