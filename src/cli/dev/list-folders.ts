import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { limits } from "#base/limits.ts";

/** Never looked into: what is installed, and what git keeps for itself. */
const skippedNames: ReadonlySet<string> = new Set([".git", "node_modules"]);

/** The folder and those below it, without what git ignores. At most `limits.watchedFolderCountMax`, the nearest first. */
export async function listFolders(root: string): Promise<readonly string[]> {
  const ignored = await listIgnored(root);
  const found = [root];
  for (let index = 0; index < found.length && found.length < limits.watchedFolderCountMax; index += 1) {
    const folder = found[index] ?? root;
    // One that is gone meanwhile has nothing to watch.
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
    for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = join(folder, entry.name);
      if (entry.isDirectory() && !skippedNames.has(entry.name) && !ignored.has(path)) found.push(path);
    }
  }
  return found.slice(0, limits.watchedFolderCountMax);
}

/** Folders that git ignores; none without git or outside of a repository. */
async function listIgnored(root: string): Promise<ReadonlySet<string>> {
  try {
    const command = ["git", "ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory"];
    const git = Bun.spawn(command, { cwd: root, stdin: "ignore", stdout: "pipe", stderr: "ignore" });
    const text = await git.stdout.text();
    const folders = text.split("\0").filter((path) => path.endsWith("/"));
    return new Set(folders.map((path) => join(root, path.slice(0, -1))));
  } catch {
    return new Set();
  }
}
