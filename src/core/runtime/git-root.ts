import { belongsToWhole, filesAbove, isScanned, namesAbove, projectFiles, scannedBytesMax } from "#base/source-root.ts";
import { readBlobs, readTexts } from "./git-objects.ts";
import type { GitProgram } from "./git-program.ts";
import type { GitFile } from "./git-tree.ts";

export interface GitRootQuestion {
  readonly repository: string;
  /** All files of the repository by path. */
  readonly tree: ReadonlyMap<string, GitFile>;
  /** Those of the folder. */
  readonly files: readonly GitFile[];
  readonly folder: string;
}

/** Whether a folder of a commit can be run without the rest of its repository, as the command line finds it out for one here. */
export async function standsAlone(
  program: GitProgram,
  { repository, tree, files, folder }: GitRootQuestion,
): Promise<boolean> {
  const above = filesAbove(folder).flatMap((path) => tree.get(path) ?? []);
  const packageFiles = above.filter(({ path }) => path.endsWith("package.json"));
  const packages = await readTexts(program, repository, packageFiles);
  const isProject = projectFiles.some((name) => tree.has(`${folder}/${name}`));
  if (belongsToWhole({ isProject, paths: above.map(({ path }) => path), packages })) return false;
  const scanned = files.filter(({ path, sizeBytes }) => sizeBytes <= scannedBytesMax && isScanned(path));
  let index = 0;
  for await (const content of readBlobs(program, repository, scanned)) {
    const text = Buffer.concat(await Array.fromAsync(content)).toString("utf8");
    const path = scanned[index]?.path.slice(folder.length + 1) ?? "";
    if (namesAbove(path, text)) return false;
    index += 1;
  }
  return true;
}
