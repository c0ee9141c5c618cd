import { mkdir, rm } from "node:fs/promises";
import type { Clock } from "#base/clock.ts";
import { MicroError } from "#base/error.ts";
import type { Logger } from "#base/logger.ts";
import type { BackupPart } from "#interface/backup.ts";
import { listFiles } from "./list-files.ts";
import { packArchive, type OutgoingArchive } from "./write-archive.ts";

export interface BackupMakerDeps {
  /** Copied in this order: what others point to comes after them, since nothing is removed meanwhile. */
  readonly parts: readonly BackupPart[];
  /** Keeps everything from being removed that a part already copied may point to, until it is disposed of. */
  readonly hold?: () => Disposable;
  /** A folder for copies under way, which nothing else uses; it is gone when there are none. */
  readonly workFolder: string;
  /** Version of this server. */
  readonly version: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Makes backups, one at a time, each from a copy of its own. */
export class BackupMaker {
  readonly #deps: BackupMakerDeps;
  #isBusy = false;

  constructor(deps: BackupMakerDeps) {
    this.#deps = deps;
  }

  /**
   * Copies everything aside, gives the archive of it to `send`, and removes the copy.
   *
   * @throws MicroError `conflict` while another is made, `unavailable` when the disk refuses.
   */
  async *make<T>(send: (archive: OutgoingArchive) => AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
    if (this.#isBusy) throw new MicroError("conflict", "another backup is being made; try again when it is done");
    this.#isBusy = true;
    try {
      yield* send(await this.#copy(signal));
    } finally {
      await removeBackupLeftovers(this.#deps.workFolder).catch((reason: unknown) => {
        this.#deps.logger.warn("the copy of a backup could not be removed", { error: MicroError.from(reason) });
      });
      this.#isBusy = false;
    }
  }

  async #copy(signal: AbortSignal): Promise<OutgoingArchive> {
    const { parts, hold, workFolder, version, clock, logger } = this.#deps;
    const startedMs = clock.now();
    try {
      await removeBackupLeftovers(workFolder);
      await mkdir(workFolder, { recursive: true, mode: 0o700 });
      using _held = hold?.();
      for (const part of parts) {
        await mkdir(`${workFolder}/${part.name}`, { mode: 0o700 });
        await part.prepare?.(`${workFolder}/${part.name}`);
      }
      for (const part of parts) {
        signal.throwIfAborted();
        await part.copyTo(`${workFolder}/${part.name}`);
      }
    } catch (reason) {
      if (MicroError.is(reason)) throw reason;
      const why = reason instanceof Error && "code" in reason ? ` (${String(reason.code)})` : "";
      throw new MicroError("unavailable", `the server could not copy its state${why}`, { cause: reason });
    }
    const files = await listFiles(workFolder);
    const archive = packArchive(workFolder, { microVersion: version, createdAtMs: startedMs, files });
    const tookMs = clock.now() - startedMs;
    logger.info("backup", { files: files.length, bytes: archive.sizeBytes, copyMs: tookMs });
    return archive;
  }
}

/** Removes what a backup left that a crash cut off: to be called before the server answers. */
export async function removeBackupLeftovers(workFolder: string): Promise<void> {
  await rm(workFolder, { recursive: true, force: true });
}
