import { MicroError } from "#base/error.ts";
import { repeat, type Stoppable } from "#base/lifecycle.ts";
import { limits } from "#base/limits.ts";
import type { Undo } from "./change-tree.ts";
import type { ConfigRecords } from "./config-records.ts";
import { ConfigWatcher, type ConfigWatcherDeps } from "./config-watcher.ts";

interface WatchersDeps {
  readonly records: ConfigRecords;
  /** Told of a failed look for changes by other processes; the next one follows. */
  readonly onError: (error: MicroError) => void;
}

interface Group {
  readonly watchers: Set<ConfigWatcher>;
  /** The newest revision that the watchers were told of; 0: none since they came. */
  revision: number;
}

/**
 * All who watch, by namespace. Changes of this process are offered to them; those of other processes are found by looking
 * at the newest revision now and then, as long as somebody watches.
 */
export class ConfigWatchers {
  readonly #deps: WatchersDeps;
  readonly #groups = new Map<string, Group>();
  #polling: Stoppable | undefined;
  #isStopped = false;

  constructor(deps: WatchersDeps) {
    this.#deps = deps;
  }

  /** How many watch, over all namespaces. */
  get count(): number {
    let count = 0;
    for (const group of this.#groups.values()) count += group.watchers.size;
    return count;
  }

  /** @throws MicroError `too_many_requests` when the document has all the watchers that it may have. */
  add(namespace: string, deps: Omit<ConfigWatcherDeps, "onClose">): ConfigWatcher {
    if (this.#isStopped) throw new MicroError("unavailable", "config is stopping");
    const group = this.#groups.get(namespace) ?? { watchers: new Set(), revision: 0 };
    if (group.watchers.size >= limits.configWatcherCountMax) {
      const detail = `namespace ${namespace} has ${group.watchers.size} watchers of its configuration, more are not possible`;
      throw new MicroError("too_many_requests", detail);
    }
    const watcher = new ConfigWatcher({ ...deps, onClose: (left) => this.#remove(namespace, group, left) });
    if (deps.signal?.aborted === true) return watcher;
    this.#groups.set(namespace, group);
    group.watchers.add(watcher);
    this.#polling ??= repeat({ intervalMs: limits.configPollIntervalMs, onError: this.#deps.onError }, () =>
      this.#poll(),
    );
    return watcher;
  }

  /** Tells those who watch the namespace. */
  offer(namespace: string, revision: number, undo?: Undo): void {
    const group = this.#groups.get(namespace);
    if (group === undefined) return;
    group.revision = Math.max(group.revision, revision);
    for (const watcher of group.watchers) watcher.offer(revision, undo);
  }

  /** Ends all of them for their readers. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const group of this.#groups.values()) {
      for (const watcher of group.watchers) watcher.close();
    }
    await this.#polling?.stop();
  }

  #remove(namespace: string, group: Group, watcher: ConfigWatcher): void {
    group.watchers.delete(watcher);
    if (group.watchers.size === 0 && this.#groups.get(namespace) === group) this.#groups.delete(namespace);
  }

  async #poll(): Promise<void> {
    for (const [namespace, group] of this.#groups) {
      // One document that cannot be read must not keep the watchers of the others waiting.
      await this.#look(namespace, group).catch((reason: unknown) => this.#deps.onError(MicroError.from(reason)));
    }
  }

  async #look(namespace: string, group: Group): Promise<void> {
    const newest = await this.#deps.records.newestRevision(namespace);
    if (newest > group.revision) this.offer(namespace, newest);
  }
}
