import type { HomePaths } from "#base/home.ts";
import type { Logger } from "#base/logger.ts";
import { FileBlobs } from "#core/blob/file-blobs.ts";
import { MemoryBroker } from "#core/broker/memory-broker.ts";
import type { SqliteStore } from "#core/store/sqlite-store.ts";
import type { OwnedParts } from "./owned-parts.ts";

export interface StateDeps {
  readonly paths: HomePaths;
  readonly store: SqliteStore;
  readonly logger: Logger;
}

/** What services keep and exchange, beside the store. */
export interface ServerState {
  readonly blobs: FileBlobs;
  readonly broker: MemoryBroker;
  /** Ends the streams of those who listen: they would else last until a stopping server has waited for them in vain. */
  endStreams(): Promise<void>;
}

/** Opens the state blocks. @throws MicroError that names the file or folder which cannot be used. */
export async function openState({ paths, store, logger }: StateDeps, parts: OwnedParts): Promise<ServerState> {
  const blobs = await FileBlobs.open({ folder: paths.blobFolder, store, logger });
  parts.own({ stop: () => blobs.close() });
  const broker = new MemoryBroker();
  return { blobs, broker, endStreams: () => broker.stop() };
}
