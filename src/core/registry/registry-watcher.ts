import { AsyncQueue } from "#base/async-queue.ts";
import { limits } from "#base/limits.ts";
import type { RegistryEvent, WatchOptions } from "#interface/registry.ts";

type Change = Exclude<RegistryEvent, { readonly action: "snapshot" }>;

export interface WatcherDeps {
  /** Everything that this watcher sees, as it is now. */
  readonly snapshot: () => RegistryEvent;
  /** The watcher has left. */
  readonly onClose: (watcher: RegistryWatcher) => void;
}

/**
 * One reader of changes. It starts with a snapshot; when more changes wait than the queue holds they are dropped for a
 * new snapshot, taken at the moment when the reader asks, so a reader that never comes costs nothing.
 */
export class RegistryWatcher implements AsyncIterableIterator<RegistryEvent> {
  readonly #options: WatchOptions;
  readonly #deps: WatcherDeps;
  readonly #queue: AsyncQueue<RegistryEvent>;
  readonly #leave = (): void => this.close();
  #isBehind = true;

  constructor(options: WatchOptions, deps: WatcherDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#queue = new AsyncQueue(limits.watchQueueCountMax);
    options.signal?.addEventListener("abort", this.#leave, { once: true });
    if (options.signal?.aborted === true) this.close();
  }

  /** Tells the watcher of a change, if it is one that it asked for. */
  offer(change: Change): void {
    if (this.#isBehind || this.#queue.isClosed) return;
    const { domain, service } = this.#options;
    if (domain !== undefined && domain !== change.domain) return;
    if (service !== undefined && service !== change.service.name) return;
    if (this.#queue.push(change)) return;
    this.#queue.clear();
    this.#isBehind = true;
  }

  /** Ends it for the reader, who still gets what waits. */
  close(): void {
    if (this.#queue.isClosed) return;
    this.#queue.close();
    this.#options.signal?.removeEventListener("abort", this.#leave);
    this.#deps.onClose(this);
  }

  next(): Promise<IteratorResult<RegistryEvent, undefined>> {
    if (!this.#isBehind || this.#queue.isClosed) return this.#queue.next();
    this.#isBehind = false;
    return Promise.resolve({ done: false, value: this.#deps.snapshot() });
  }

  return(): Promise<IteratorResult<RegistryEvent, undefined>> {
    this.close();
    return this.#queue.return();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
