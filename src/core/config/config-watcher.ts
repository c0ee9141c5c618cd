import { createHash } from "node:crypto";
import { MicroError } from "#base/error.ts";
import type { ConfigState } from "#interface/config.ts";
import type { Undo } from "./change-tree.ts";
import { touches } from "./change-tree.ts";
import type { ConfigNode } from "./config-node.ts";
import type { Words } from "./config-path.ts";
import { encodeNode } from "./node-codec.ts";

/** What lies at a path, as it is kept and as the reader sees it. */
export interface ConfigSight {
  readonly node: ConfigNode | undefined;
  readonly state: ConfigState;
}

export interface ConfigWatcherDeps {
  readonly words: Words;
  /** What is there now. */
  readonly read: () => Promise<ConfigSight>;
  readonly signal: AbortSignal | undefined;
  /** The watcher has left. */
  readonly onClose: (watcher: ConfigWatcher) => void;
}

/**
 * One reader of a path. Nothing is queued for it: it only learns that there is something new, and gets what is there when
 * it asks. A change that leaves everything as it was is not told.
 */
export class ConfigWatcher implements AsyncIterableIterator<ConfigState, undefined> {
  readonly #deps: ConfigWatcherDeps;
  readonly #leave = (): void => this.close();
  /** Whether something is new since the reader last asked. What it is, he reads then, since it may be another by then. */
  #hasNews = true;
  #wake: (() => void) | undefined;
  #isClosed = false;
  /** Revision and content of what was told last. */
  #told = { revision: -1, print: "" };

  constructor(deps: ConfigWatcherDeps) {
    this.#deps = deps;
    deps.signal?.addEventListener("abort", this.#leave, { once: true });
    if (deps.signal?.aborted === true) this.close();
  }

  /** A document of this revision was written; without `undo` it is not known what changed. */
  offer(revision: number, undo?: Undo): void {
    if (this.#isClosed || this.#hasNews || revision <= this.#told.revision) return;
    if (undo !== undefined && !touches(undo, this.#deps.words)) return;
    this.#hasNews = true;
    this.#wakeUp();
  }

  /** Ends it for the reader. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#deps.signal?.removeEventListener("abort", this.#leave);
    this.#deps.onClose(this);
    this.#wakeUp();
  }

  /** @throws MicroError when the document or a secret cannot be read, which ends it. */
  async next(): Promise<IteratorResult<ConfigState, undefined>> {
    if (this.#wake !== undefined) throw new MicroError("internal", "a watch of config has one reader at a time");
    try {
      for (;;) {
        const state = await this.#takeNews();
        if (this.#isClosed) return { done: true, value: undefined };
        if (state !== undefined) return { done: false, value: state };
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
          if (this.#hasNews || this.#isClosed) this.#wakeUp();
        });
      }
    } catch (reason) {
      this.close();
      throw reason;
    }
  }

  return(): Promise<IteratorResult<ConfigState, undefined>> {
    this.close();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** What the reader does not know yet, if there is anything. */
  async #takeNews(): Promise<ConfigState | undefined> {
    if (!this.#hasNews || this.#isClosed) return undefined;
    this.#hasNews = false;
    const { node, state } = await this.#deps.read();
    if (state.revision <= this.#told.revision) return undefined;
    const print = fingerprint(node);
    const isSame = print === this.#told.print;
    this.#told = { revision: state.revision, print };
    return isSame ? undefined : state;
  }

  #wakeUp(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}

/** Stands for everything at a place. Secrets count as they were sealed: one that was set again differs. */
function fingerprint(node: ConfigNode | undefined): string {
  return node === undefined
    ? "nothing"
    : createHash("sha256")
        .update(JSON.stringify(encodeNode(node)))
        .digest("base64");
}
