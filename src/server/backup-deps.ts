import { systemClock } from "#base/clock.ts";
import type { HomePaths } from "#base/home.ts";
import type { Logger } from "#base/logger.ts";
import type { BackupMakerDeps } from "#core/backup/backup-maker.ts";
import { FilesPart } from "#core/backup/home-files.ts";
import type { SqliteStore } from "#core/store/sqlite-store.ts";
import type { ServerState } from "./open-state.ts";

export interface BackupSources {
  readonly paths: HomePaths;
  readonly store: SqliteStore;
  readonly state: ServerState;
  readonly logger: Logger;
  readonly version: string;
}

/**
 * What a backup is made of. The store comes first: it names blobs, sources and the key of secrets, which come after it and
 * of which none is removed meanwhile.
 */
export function backupDeps({ paths, store, state, logger, version }: BackupSources): BackupMakerDeps {
  const { blobs, log } = state;
  return {
    parts: [store, log, blobs, new FilesPart(paths)],
    hold: () => blobs.holdDeletions(),
    workFolder: paths.backupFolder,
    version,
    clock: systemClock,
    logger,
  };
}
