import { watch, type FSWatcher } from "node:fs";
import { repeat, type Stoppable } from "#base/lifecycle.ts";
import { listFolders } from "./list-folders.ts";

/** How often folders are looked through where the system cannot tell of changes. */
const pollMs = 500;

/**
 * Tells that something in a folder, or below it, may have changed. What git ignores, `node_modules` and `.git` are not
 * watched: they may hold more folders than the system can watch.
 */
export class FolderWatch implements Stoppable {
  readonly #root: string;
  readonly #onChange: () => void;
  readonly #watchers = new Map<string, FSWatcher>();
  #polling: Stoppable | undefined;
  #isStopped = false;

  /** @param onChange called often, and sometimes for nothing. */
  constructor(root: string, onChange: () => void) {
    this.#root = root;
    this.#onChange = onChange;
  }

  /** Watches the folders that are there now; true when some were not watched before, in which something may have changed. */
  async refresh(): Promise<boolean> {
    if (this.#polling !== undefined) return false;
    const folders = new Set(await listFolders(this.#root));
    for (const [folder, watcher] of this.#watchers) {
      if (folders.has(folder)) continue;
      watcher.close();
      this.#watchers.delete(folder);
    }
    const fresh = [...folders].filter((folder) => !this.#watchers.has(folder));
    for (const folder of fresh) if (!this.#isStopped) this.#watch(folder);
    return fresh.length > 0;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
    await this.#polling?.stop();
  }

  #watch(folder: string): void {
    try {
      const watcher = watch(folder, { persistent: false }, this.#onChange);
      // A folder that was removed; the one above tells of it.
      watcher.on("error", () => this.#forget(folder));
      this.#watchers.set(folder, watcher);
    } catch (reason) {
      const code = reason instanceof Error && "code" in reason ? reason.code : undefined;
      // Removed since it was listed.
      if (code === "ENOENT" || code === "ENOTDIR") return;
      this.#poll();
    }
  }

  #forget(folder: string): void {
    this.#watchers.get(folder)?.close();
    this.#watchers.delete(folder);
    this.#onChange();
  }

  /** The system watches no more folders. */
  #poll(): void {
    this.#polling ??= repeat({ intervalMs: pollMs, onError: this.#onChange }, this.#onChange);
  }
}
