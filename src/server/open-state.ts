import { systemClock } from "#base/clock.ts";
import type { HomePaths } from "#base/home.ts";
import type { Logger } from "#base/logger.ts";
import { FileBlobs } from "#core/blob/file-blobs.ts";
import { MemoryBroker } from "#core/broker/memory-broker.ts";
import { openConfigKeys, type ConfigKeys } from "#core/config/config-keys.ts";
import { Secrets } from "#core/config/secrets.ts";
import { StoreConfig } from "#core/config/store-config.ts";
import { createEvents } from "#core/events/log-events.ts";
import { SqliteEventLog } from "#core/events/sqlite-event-log.ts";
import { ServiceSecrets } from "#core/runtime/service-secrets.ts";
import { GitCredentials } from "#core/runtime/git-credentials.ts";
import type { SqliteStore } from "#core/store/sqlite-store.ts";
import type { Events } from "#interface/events.ts";
import type { OwnedParts } from "./owned-parts.ts";

export interface StateDeps {
  readonly paths: HomePaths;
  readonly store: SqliteStore;
  readonly logger: Logger;
  readonly files: StateFiles;
}

/** What of the state needs nothing of the server. */
export type StateFiles = Promise<readonly [log: SqliteEventLog, keys: ConfigKeys]>;

/**
 * Begins to open it: the start of a server is the time of its slowest part. Whoever waits for it learns what fails.
 *
 * @throws MicroError that names the file or folder which cannot be used.
 */
export function openStateFiles({ paths, logger }: Pick<StateDeps, "paths" | "logger">, parts: OwnedParts): StateFiles {
  const log = SqliteEventLog.open({ folder: paths.eventsFolder, logger: logger.with({ part: "events" }) });
  const files = Promise.all([own(log, parts), openConfigKeys(paths.configKeyFile)]);
  // Somebody waits for it only when the store is open; when that fails, it is what the server says.
  files.catch(() => undefined);
  return files;
}

/** What services keep and exchange, beside the store. */
export interface ServerState {
  readonly blobs: FileBlobs;
  readonly broker: MemoryBroker;
  readonly config: StoreConfig;
  readonly events: Events;
  /** Of the runtime; sealed with the keys of config. */
  readonly gitCredentials: GitCredentials;
  readonly serviceSecrets: ServiceSecrets;
  /** Where events are kept. */
  readonly log: SqliteEventLog;
  /** Ends the streams of those who listen: they would else last until a stopping server has waited for them in vain. */
  endStreams(): Promise<void>;
}

/** Opens the state blocks. @throws MicroError that names the file or folder which cannot be used. */
export async function openState({ paths, store, logger, files }: StateDeps, parts: OwnedParts): Promise<ServerState> {
  const opening = FileBlobs.open({ folder: paths.blobFolder, store, logger: logger.with({ part: "store" }) });
  const [blobs, [log, keys]] = await Promise.all([own(opening, parts), files]);
  const broker = new MemoryBroker();
  const secrets = new Secrets(keys);
  const gitCredentials = new GitCredentials({ store, secrets });
  const serviceSecrets = new ServiceSecrets({ store, secrets });
  const config = new StoreConfig({
    store,
    keys,
    holders: [gitCredentials, serviceSecrets],
    logger: logger.with({ part: "config" }),
  });
  const events = parts.own(createEvents({ log, clock: systemClock, logger: logger.with({ part: "events" }) }));
  const streaming = [broker, config, events];
  return {
    blobs,
    broker,
    config,
    events,
    gitCredentials,
    serviceSecrets,
    log,
    endStreams: async () => {
      await Promise.all(streaming.map((each) => each.stop()));
    },
  };
}

/** What is opened is owned before it stands: a thread would keep the process alive when something else cannot be opened. */
function own<T extends { close(): Promise<void> }>(opening: Promise<T>, parts: OwnedParts): Promise<T> {
  const close = (opened: T): Promise<void> => opened.close();
  parts.own({ stop: () => opening.then(close, () => undefined) });
  return opening;
}
