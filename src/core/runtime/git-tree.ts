import { MicroError } from "#base/error.ts";
import { limits, MiB } from "#base/limits.ts";
import { cleanSourcePath } from "./source-path.ts";

/** Some content. */
export interface GitBlob {
  readonly object: string;
  readonly sizeBytes: number;
}

/** A file of a commit. */
export interface GitFile extends GitBlob {
  /** Relative to the root of the repository. */
  readonly path: string;
  readonly isExecutable: boolean;
}

/** What a commit holds: files, and links with where they lead. Submodules are left out. */
export interface GitTree {
  readonly files: ReadonlyMap<string, GitFile>;
  /** Objects that hold where links lead, by the path of the link. */
  readonly links: ReadonlyMap<string, GitBlob>;
}

/** Folders that are never part of a source, as they are not of one that is sent. */
const skippedFolders: ReadonlySet<string> = new Set([".git", "node_modules"]);

/** Links behind links that are followed, as systems do. */
const hopsMax = 40;

/**
 * Reads the answer of `git ls-tree -r -z -l --full-tree`.
 *
 * @throws MicroError `invalid_argument` for a path that no source may hold.
 */
export function parseGitTree(listing: string): GitTree {
  const files = new Map<string, GitFile>();
  const links = new Map<string, GitBlob>();
  for (const line of listing.split("\0")) {
    const [facts, path] = splitOnce(line, "\t");
    if (path === undefined) continue;
    const [mode = "", type, object = "", size] = facts.split(/ +/);
    if (type !== "blob" || path.split("/").some((name) => skippedFolders.has(name))) continue;
    if (cleanSourcePath(path) !== path)
      throw new MicroError("invalid_argument", `the repository holds the path ${path}`);
    const blob = { object, sizeBytes: Number(size) };
    if (mode === "120000" && blob.sizeBytes > limits.sourcePathBytesMax) throw leadsOut(path);
    if (mode === "120000") links.set(path, blob);
    else files.set(path, { ...blob, path, isExecutable: mode === "100755" });
  }
  return { files, links };
}

/**
 * The files of a folder, links to files replaced by the files. Links to folders, and those that lead to nothing, are left out,
 * as they are from an upload.
 *
 * @param targets where each link of the tree leads
 * @throws MicroError `invalid_argument` for a link that leaves the repository, `not_found` when there is no such folder,
 * `payload_too_large`.
 */
export function selectFiles(tree: GitTree, folder: string, targets: ReadonlyMap<string, string>): readonly GitFile[] {
  const prefix = folder === "" ? "" : `${folder}/`;
  const selected: GitFile[] = [...tree.files.values()].filter(({ path }) => path.startsWith(prefix));
  for (const link of tree.links.keys()) {
    if (!link.startsWith(prefix)) continue;
    const target = tree.files.get(followLink(link, targets));
    if (target !== undefined) selected.push({ ...target, path: link });
  }
  if (selected.length > limits.sourceFileCountMax) {
    throw new MicroError("payload_too_large", `the source holds more than ${limits.sourceFileCountMax} files`);
  }
  const bytes = selected.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  if (bytes > limits.sourceBytesMax) {
    throw new MicroError("payload_too_large", `the source is larger than ${limits.sourceBytesMax / MiB} MiB`);
  }
  return selected;
}

/** Where a path leads when every link on the way is followed. */
function followLink(path: string, targets: ReadonlyMap<string, string>): string {
  let rest = path.split("/");
  let done: string[] = [];
  let hops = 0;
  while (rest.length > 0) {
    const [name = "", ...others] = rest;
    rest = others;
    if (name === "" || name === ".") continue;
    if (name === "..") {
      if (done.length === 0) throw leadsOut(path);
      done = done.slice(0, -1);
      continue;
    }
    const target = targets.get([...done, name].join("/"));
    if (target === undefined) {
      done = [...done, name];
      continue;
    }
    hops += 1;
    if (hops > hopsMax) return "";
    if (target.startsWith("/")) throw leadsOut(path);
    rest = [...target.split("/"), ...rest];
  }
  return done.join("/");
}

function leadsOut(path: string): MicroError {
  return new MicroError("invalid_argument", `the link ${path} of the repository leads out of it`);
}

function splitOnce(text: string, mark: string): readonly [string, string | undefined] {
  const at = text.indexOf(mark);
  return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}
