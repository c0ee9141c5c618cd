import { rmSync } from "node:fs";
import { open, rename, rm, stat, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { CommandError } from "#cli/command-error.ts";
import { describeFileFailure } from "#cli/file-failure.ts";

/**
 * A file that appears under its name only when it is whole and on disk: it is written aside, readable by its owner only,
 * and renamed.
 */
export class AsideFile {
  readonly #target: string;
  readonly #aside: string;
  readonly #handle: FileHandle;
  #bytes = 0;

  private constructor(target: string, aside: string, handle: FileHandle) {
    this.#target = target;
    this.#aside = aside;
    this.#handle = handle;
  }

  /** @throws CommandError when `target` is there already and may not be replaced, or cannot be written. */
  static async create(target: string, { mayReplace }: { readonly mayReplace: boolean }): Promise<AsideFile> {
    const present = await stat(target).catch(() => undefined);
    if (present?.isDirectory() === true) throw new CommandError(`${target} is a folder: name a file`);
    if (present !== undefined && !mayReplace) {
      throw new CommandError(`${target} exists; write another file, or use --force to replace it`);
    }
    const aside = asidePath(target);
    try {
      return new AsideFile(target, aside, await open(aside, "w", 0o600));
    } catch (reason) {
      throw cannotWrite(target, reason);
    }
  }

  /** Where it is until it is kept. */
  get path(): string {
    return this.#aside;
  }

  /** Bytes that were written. */
  get sizeBytes(): number {
    return this.#bytes;
  }

  async write(piece: Uint8Array): Promise<void> {
    try {
      for (let at = 0; at < piece.length;) at += (await this.#handle.write(piece, at)).bytesWritten;
      this.#bytes += piece.length;
    } catch (reason) {
      throw cannotWrite(this.#target, reason);
    }
  }

  /** Forces what was written to disk; more may follow. */
  async sync(): Promise<void> {
    await this.#handle.sync();
  }

  /** Gives the file its name. */
  async keep(): Promise<void> {
    await this.#handle.sync();
    await this.#handle.close();
    await rename(this.#aside, this.#target);
    const folder = await open(dirname(this.#target), "r");
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }

  /** Forgets it, unless it was kept. */
  async discard(): Promise<void> {
    await this.#handle.close().catch(() => undefined);
    await rm(this.#aside, { force: true });
  }
}

/** Writes a whole file so. What `write` throws leaves nothing behind, nor does Ctrl-C. */
export async function writeAside<T>(
  target: string,
  options: { readonly mayReplace: boolean },
  write: (file: AsideFile) => Promise<T>,
): Promise<T> {
  // Before the file is there: a signal may come as soon as it is.
  const forget = removeOnSignal(asidePath(target));
  try {
    const file = await AsideFile.create(target, options);
    try {
      const result = await write(file);
      await file.keep();
      return result;
    } catch (reason) {
      await file.discard();
      throw reason;
    }
  } finally {
    forget();
  }
}

/** Of this process alone, so that two that write the same file do not meet. */
function asidePath(target: string): string {
  return `${target}.${process.pid}.new`;
}

/** Removes a file before a signal ends the process as it would have. Returns what takes this back. */
function removeOnSignal(path: string): () => void {
  const onSignal = (signal: NodeJS.Signals): void => {
    rmSync(path, { force: true });
    forget();
    process.kill(process.pid, signal);
  };
  const forget = (): void => {
    process.off("SIGINT", onSignal);
    process.off("SIGTERM", onSignal);
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  return forget;
}

function cannotWrite(path: string, reason: unknown): CommandError {
  return new CommandError(`Cannot write ${path}: ${describeFileFailure(reason)}`, { cause: reason });
}
