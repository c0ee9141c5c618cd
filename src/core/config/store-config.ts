import { backoffMs } from "#base/backoff.ts";
import { systemClock, type Clock } from "#base/clock.ts";
import { MicroError } from "#base/error.ts";
import { delay } from "#base/lifecycle.ts";
import { limits } from "#base/limits.ts";
import { silentLogger, type Logger } from "#base/logger.ts";
import { requireName } from "#base/name.ts";
import type {
  Config,
  ConfigChangeOptions,
  ConfigKey,
  ConfigReadOptions,
  ConfigRevision,
  ConfigState,
} from "#interface/config.ts";
import type { SealedHolder } from "#interface/secret-sealer.ts";
import type { Store } from "#interface/store.ts";
import { mergeAt, removeAt, type TreeChange } from "./change-tree.ts";
import type { ConfigDocument } from "./config-document.ts";
import { readHistory, rootAt, toHistoryJson } from "./config-history.ts";
import type { ConfigKeys } from "./config-keys.ts";
import { findNode, holdsSecret, writeMask, writeNode } from "./config-node.ts";
import { parsePath, requireReachable, type Words } from "./config-path.ts";
import { ConfigRecords } from "./config-records.ts";
import type { ConfigSight } from "./config-watcher.ts";
import { ConfigWatchers } from "./config-watchers.ts";
import { requireDocumentSize } from "./document-bytes.ts";
import { NamespaceTurns } from "./namespace-turns.ts";
import { parseJson } from "./parse-json.ts";
import { rotateSecrets } from "./rotate-secrets.ts";
import type { SecretPlace } from "./secret-box.ts";
import { Secrets } from "./secrets.ts";

export interface StoreConfigDeps {
  /** Where documents and their history are kept. Several processes may share it; while one rotates the key, no other may set secrets. */
  readonly store: Store;
  /** Of the secrets: {@link openConfigKeys}. */
  readonly keys: ConfigKeys;
  /** Others that seal with the same keys. @default none */
  readonly holders?: readonly SealedHolder[];
  /** @default systemClock */
  readonly clock?: Clock;
  /** Told of what goes wrong in the background. @default silentLogger */
  readonly logger?: Logger;
}

/** A change of a document, made of what is there; undefined when there is nothing to change. */
type Edit = (document: ConfigDocument) => Promise<Edited | undefined>;
type Edited = TreeChange & Pick<ConfigRevision, "path" | "json" | "rolledBackTo">;

/** Config on a store: one record a document, written only where nobody else has written since it was read. */
export class StoreConfig implements Config {
  readonly #records: ConfigRecords;
  readonly #secrets: Secrets;
  readonly #holders: readonly SealedHolder[];
  readonly #clock: Clock;
  readonly #turns = new NamespaceTurns();
  readonly #rotations = new NamespaceTurns();
  readonly #watchers: ConfigWatchers;

  constructor({ store, keys, holders = [], clock = systemClock, logger = silentLogger }: StoreConfigDeps) {
    this.#records = new ConfigRecords(store);
    this.#secrets = new Secrets(keys);
    this.#holders = holders;
    this.#clock = clock;
    this.#watchers = new ConfigWatchers({
      records: this.#records,
      onError: (error) => logger.warn("cannot look for changes of config", { error }),
    });
  }

  /** How many watch. */
  get watcherCount(): number {
    return this.#watchers.count;
  }

  async read({ namespace, path }: ConfigKey, options: ConfigReadOptions = {}): Promise<ConfigState> {
    requireName("namespace", namespace);
    return (await this.#look({ namespace, words: parsePath(path) }, options)).state;
  }

  async set(
    { namespace, path }: ConfigKey,
    json: string,
    options: ConfigChangeOptions & { readonly isSecret?: boolean },
  ): Promise<number> {
    const { isSecret = false } = options;
    const words = parsePath(path);
    if (json.length > limits.configDocumentBytesMax) throw tooLarge(json.length);
    const value = parseJson(json);
    if (words.length === 0 && value.kind !== "object") {
      throw new MicroError("invalid_argument", "a whole document must be an object: name a path for this value");
    }
    requireReachable(value, words);
    return this.#change(namespace, options, async ({ root }) => {
      if (isSecret || holdsSecret(root)) await this.#secrets.keys.refresh();
      const seal = (at: Words, text: string): string => this.#secrets.sealValue({ namespace, words: at }, text);
      const { shown, ...change } = mergeAt(root, words, value, { isSecret, seal });
      return { ...change, path, json: toHistoryJson(shown) };
    });
  }

  async delete({ namespace, path }: ConfigKey, options: ConfigChangeOptions): Promise<number> {
    const words = parsePath(path);
    return this.#change(namespace, options, async ({ root }) => {
      const change = removeAt(root, words);
      return change === undefined ? undefined : { ...change, path, json: undefined };
    });
  }

  watch(
    { namespace, path }: ConfigKey,
    options: ConfigReadOptions & { readonly signal?: AbortSignal } = {},
  ): AsyncIterable<ConfigState> {
    return {
      // Nobody watches before somebody reads, so that a watch which is never read leaves nothing behind.
      [Symbol.asyncIterator]: () => {
        const words = parsePath(path);
        const read = (): Promise<ConfigSight> => this.#look({ namespace, words }, options);
        return this.#watchers.add(requireName("namespace", namespace), { words, signal: options.signal, read });
      },
    };
  }

  async history({ namespace, path }: ConfigKey, limit = 0): Promise<readonly ConfigRevision[]> {
    requireName("namespace", namespace);
    return readHistory(this.#records, { namespace, words: parsePath(path), limit });
  }

  async rollback(namespace: string, revision: number, options: ConfigChangeOptions): Promise<number> {
    return this.#change(namespace, options, async (document) => {
      const root = await rootAt(this.#records, namespace, { document, revision });
      const undo = { kind: "put", node: document.root } as const;
      return { root, undo, path: "", json: undefined, rolledBackTo: revision };
    });
  }

  async rotateKey(): Promise<number> {
    const deps = { records: this.#records, secrets: this.#secrets, turns: this.#turns, holders: this.#holders };
    return this.#rotations.run("", () => rotateSecrets(deps));
  }

  /** Ends the watches; everything else goes on. */
  async stop(): Promise<void> {
    await this.#watchers.stop();
  }

  /** @returns the revision of the document afterwards, the same as before where there was nothing to change. */
  async #change(namespace: string, options: ConfigChangeOptions, edit: Edit): Promise<number> {
    requireName("namespace", namespace);
    return this.#turns.run(namespace, async () => {
      for (let attempt = 1; ; attempt += 1) {
        const revision = await this.#tryChange(namespace, options, edit);
        if (revision !== undefined) return revision;
        if (attempt >= limits.configAttemptCountMax) break;
        await delay(backoffMs(attempt, { initialMs: 1, maxMs: 100, jitter: 1 }));
      }
      throw new MicroError("unavailable", `others change the configuration of ${namespace} all the time: try again`);
    });
  }

  /** The new revision; undefined when another process was faster, so that the change must be made of what is there now. */
  async #tryChange(namespace: string, options: ConfigChangeOptions, edit: Edit): Promise<number | undefined> {
    const { value, storeRevision } = await this.#records.read(namespace);
    requireRevision(namespace, value.revision, options.expectedRevision);
    const edited = await edit(value);
    if (edited === undefined) return value.revision;
    const { root, undo, ...what } = edited;
    requireDocumentSize(root);
    const revision = value.revision + 1;
    const document = { revision, root };
    const entry = { revision, ...what, timestampMs: this.#clock.now(), account: options.account };
    try {
      await this.#records.write(namespace, { document, entry, undo }, storeRevision);
    } catch (reason) {
      if (MicroError.is(reason) && reason.code === "conflict") return undefined;
      throw reason;
    }
    this.#watchers.offer(namespace, revision, undo);
    return revision;
  }

  async #look(place: SecretPlace, { showsSecrets = false }: ConfigReadOptions): Promise<ConfigSight> {
    const { namespace, words } = place;
    for (let attempt = 1; ; attempt += 1) {
      const { revision, root } = (await this.#records.read(namespace)).value;
      const node = findNode(root, words);
      if (node === undefined) return { node, state: { json: undefined, revision } };
      try {
        const json = showsSecrets
          ? await this.#secrets.write(namespace, node, words)
          : writeNode(node, writeMask, words);
        return { node, state: { json, revision } };
      } catch (reason) {
        // A rotation that ended meanwhile has sealed them anew.
        if (attempt > 1) throw reason;
      }
    }
  }
}

function requireRevision(namespace: string, revision: number, expected: number | undefined): void {
  if (expected === undefined || expected === revision) return;
  const detail = `the configuration of ${namespace} is at revision ${revision}, expected revision ${expected}`;
  throw new MicroError("conflict", detail);
}

function tooLarge(bytes: number): MicroError {
  const detail = `the value has ${bytes} characters, a document at most ${limits.configDocumentBytesMax} bytes`;
  return new MicroError("payload_too_large", detail);
}
