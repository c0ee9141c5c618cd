import { createHash } from "node:crypto";
import { MicroError } from "#base/error.ts";
import type { ConfigState } from "#interface/config.ts";
import type { Undo } from "./change-tree.ts";
import { touches } from "./change-tree.ts";
import type { ConfigDocument } from "./config-document.ts";
import { findNode, type ConfigNode } from "./config-node.ts";
import type { Words } from "./config-path.ts";
import { encodeNode } from "./node-codec.ts";

export interface ConfigWatcherDeps {
  readonly words: Words;
  /** The document as it is now. */
  readonly read: () => Promise<ConfigDocument>;
  readonly toState: (document: ConfigDocument) => Promise<ConfigState>;
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
  /** What is new since the reader last asked; `read` asks the store. */
  #news: "read" | ConfigDocument | undefined = "read";
  #wake: (() => void) | undefined;
  #isClosed = false;
  /** Revision and content of what was told last. */
  #told = { revision: -1, print: "" };

  constructor(deps: ConfigWatcherDeps) {
    this.#deps = deps;
    deps.signal?.addEventListener("abort", this.#leave, { once: true });
    if (deps.signal?.aborted === true) this.close();
  }

  /** A change was written; without `undo` it is not known which. */
  offer(document: ConfigDocument, undo?: Undo): void {
    if (this.#isClosed || this.#news === "read" || document.revision <= this.#told.revision) return;
    if (this.#news === undefined && undo !== undefined && !touches(undo, this.#deps.words)) return;
    this.#news = document;
    this.#wakeUp();
  }

  /** Ends it for the reader. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#news = undefined;
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
          if (this.#news !== undefined || this.#isClosed) this.#wakeUp();
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
    const news = this.#news;
    this.#news = undefined;
    if (news === undefined) return undefined;
    const document = news === "read" ? await this.#deps.read() : news;
    if (document.revision <= this.#told.revision) return undefined;
    const print = fingerprint(findNode(document.root, this.#deps.words));
    const isSame = print === this.#told.print;
    this.#told = { revision: document.revision, print };
    return isSame ? undefined : this.#deps.toState(document);
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
