import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import { packGitFiles, readTexts } from "./git-objects.ts";
import type { GitProgram } from "./git-program.ts";
import { standsAlone } from "./git-root.ts";
import { parseGitTree, selectFiles, type GitFile, type GitTree } from "./git-tree.ts";
import type { SourceStore } from "./source-store.ts";

export interface ExtractDeps {
  readonly program: GitProgram;
  readonly sources: Pick<SourceStore, "keep">;
}

export interface ExtractQuestion {
  /** Folder of the bare repository that holds the commit. */
  readonly repository: string;
  readonly commit: string;
  /** The service's; empty for the root of the repository. */
  readonly folder: string;
  /** What people call it, for the error. */
  readonly name: string;
}

/** Files of a commit, as the source store keeps them. */
export interface ExtractedSource {
  readonly sha256: string;
  /** The service's folder below the root of the files; empty where it is all of them. */
  readonly folder: string;
}

/**
 * Keeps the files of a commit as a source: those of the folder where it can stand alone, else all.
 *
 * @throws MicroError `not_found` when there is no such folder, and as `parseGitTree` and `selectFiles` do.
 */
export async function extractCommit(
  { program, sources }: ExtractDeps,
  { repository, commit, folder, name }: ExtractQuestion,
): Promise<ExtractedSource> {
  const tree = parseGitTree(await listTree(program, repository, commit));
  const targets = await readLinks(program, repository, tree);
  const inside = selectFiles(tree, folder, targets);
  if (inside.length === 0) throw new MicroError("not_found", nothingAt(name, folder));
  const isAlone =
    folder === "" || (await standsAlone(program, { repository, tree: tree.files, files: inside, folder }));
  const keep = (files: readonly GitFile[], root: string): Promise<string> =>
    sources.keep(packGitFiles(program, repository, { files, folder: root }));
  if (isAlone) return { sha256: await keep(inside, folder), folder: "" };
  return { sha256: await keep(selectFiles(tree, "", targets), ""), folder };
}

async function listTree(program: GitProgram, repository: string, commit: string): Promise<string> {
  const args = ["ls-tree", "-r", "-z", "-l", "--full-tree", commit];
  const command = { args, folder: repository, outputBytesMax: limits.gitTreeBytesMax };
  const { code, stdout, stderr } = await program.run(command);
  if (code === 0) return stdout;
  throw new MicroError("unavailable", `the cache of git sources could not be read, try again: ${stderr.trim()}`);
}

async function readLinks(
  program: GitProgram,
  repository: string,
  { links }: GitTree,
): Promise<ReadonlyMap<string, string>> {
  const texts = await readTexts(program, repository, [...links.values()]);
  return new Map([...links.keys()].map((path, index) => [path, texts[index] ?? ""]));
}

function nothingAt(name: string, folder: string): string {
  return folder === "" ? `there are no files in ${name}` : `there is no folder ${folder} in ${name}`;
}
