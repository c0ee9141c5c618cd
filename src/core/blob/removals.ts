import type { Logger } from "#base/logger.ts";
import type { ContentFolder } from "./content-folder.ts";

/** Removes contents that nobody needs any more, or waits with it while somebody copies them. */
export class Removals {
  readonly #contents: ContentFolder;
  readonly #logger: Logger;
  readonly #waiting = new Set<string>();
  #holderCount = 0;
  #catchingUp: Promise<void> = Promise.resolve();

  constructor(contents: ContentFolder, logger: Logger) {
    this.#contents = contents;
    this.#logger = logger;
  }

  /** Never rejects: what stays is removed after the next start. */
  async remove(id: string): Promise<void> {
    if (this.#holderCount > 0) {
      this.#waiting.add(id);
      return;
    }
    try {
      await this.#contents.remove(id);
    } catch (reason) {
      this.#logger.warn("a content that is not needed stays for now", { file: id, error: reason });
    }
  }

  /** Nothing is removed until the end of its scope. */
  hold(): Disposable {
    let isHeld = true;
    this.#holderCount += 1;
    return {
      [Symbol.dispose]: () => {
        if (!isHeld) return;
        isHeld = false;
        this.#holderCount -= 1;
        if (this.#holderCount === 0) this.#catchingUp = this.#catchUp();
      },
    };
  }

  /** Resolves when what waited has been removed. */
  async idle(): Promise<void> {
    await this.#catchingUp;
  }

  async #catchUp(): Promise<void> {
    await this.#catchingUp;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const id of waiting) await this.remove(id);
  }
}
