import { existsSync, renameSync } from "node:fs";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import type { Clock } from "#base/clock.ts";
import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import type { Store } from "#interface/store.ts";
import { completeSource } from "./complete-source.ts";
import { SourceIndex, type SourceContents } from "./source-index.ts";
import { hashSource } from "./source-hash.ts";
import { unpackSource, type SourceFile } from "./source-archive.ts";
import {
  decodeSourceRecord,
  encodeSourceRecord,
  toSourceId,
  toSourceStoreKey,
  toSourceStorePrefix,
  type SourceKey,
  type SourceRecord,
} from "./source-record.ts";
import { runtimeScope } from "./runtime-scope.ts";
import { syncPath, syncTree } from "./sync-tree.ts";

/** An upload that no service named for this long is forgotten, in milliseconds: far above the time between the two calls. */
const unusedMs = 24 * 3_600_000;

export interface SourceStoreDeps {
  readonly store: Store;
  readonly clock: Clock;
  /** Where `sources/` lies. */
  readonly runtimeFolder: string;
}

/** An upload. */
export interface SourceUpload {
  readonly chunks: AsyncIterable<Uint8Array>;
  /**
   * What its sender says is in the source, read after the archive, which may leave out what is kept; empty when it said nothing.
   *
   * @default nothing
   */
  readonly expected?: () => readonly SourceFile[];
  /** Folder that is the service. @default the whole source */
  readonly folder?: string;
}

/**
 * The sources of services: trees of files, each in a folder called by the hash of all it holds, so that equal ones exist
 * once and a folder never changes. Which name means which hash is in the store.
 */
export class SourceStore {
  readonly #deps: SourceStoreDeps;
  readonly #folder: string;
  readonly #index = new SourceIndex();
  /** Work that may need a source which no record names yet: nothing is removed meanwhile. */
  #holderCount = 0;
  /** Grows with every such work, so that one that came and went meanwhile is noticed. */
  #workCount = 0;
  /** Folders of uploads that are under way. */
  readonly #incoming = new Set<string>();

  constructor(deps: SourceStoreDeps) {
    this.#deps = deps;
    this.#folder = `${deps.runtimeFolder}/sources`;
  }

  /**
   * Takes an archive and answers with the id of the source when it is on disk. A source of that name is replaced;
   * services that run its old content keep that until they are updated.
   *
   * @throws MicroError as `unpackSource` and `completeSource` do.
   */
  async put(key: SourceKey, upload: SourceUpload): Promise<string> {
    const id = toSourceId(key.name, key.version);
    const { expected = () => [], folder = "" } = upload;
    await this.#take(upload.chunks, {
      complete: async (incoming, unpacked) => {
        if (expected().length === 0) return unpacked;
        const kept = await this.#kept(key.namespace);
        return completeSource(incoming, { unpacked, expected: expected(), kept });
      },
      onKept: (sha256) => this.#record(key, { sha256, folder }),
    });
    return id;
  }

  /**
   * Takes an archive that no name stands for, and answers with its hash. For work that holds: see {@link holding}.
   *
   * @throws MicroError as `unpackSource` does.
   */
  async keep(chunks: AsyncIterable<Uint8Array>): Promise<string> {
    return this.#take(chunks, { complete: async (_incoming, files) => files, onKept: async () => undefined });
  }

  /** Those of these contents that no upload to a namespace holds. */
  async missing(namespace: string, contents: readonly string[]): Promise<readonly string[]> {
    return this.holding(async () => {
      const kept = await this.#kept(namespace);
      return contents.filter((sha256) => kept(sha256) === undefined);
    });
  }

  async #take(
    chunks: AsyncIterable<Uint8Array>,
    {
      complete,
      onKept,
    }: {
      readonly complete: (incoming: string, files: readonly SourceFile[]) => Promise<readonly SourceFile[]>;
      readonly onKept: (sha256: string) => Promise<void>;
    },
  ): Promise<string> {
    const incoming = `${this.#folder}/.incoming-${crypto.randomUUID()}`;
    this.#incoming.add(incoming);
    try {
      await mkdir(incoming, { recursive: true, mode: 0o700 });
      const unpacked = await unpackSource(chunks, incoming);
      return await this.holding(async () => {
        const files = await complete(incoming, unpacked);
        const sha256 = hashSource(files);
        await this.#keep(incoming, sha256, files);
        this.#index.add(sha256, files);
        await onKept(sha256);
        return sha256;
      });
    } finally {
      await rm(incoming, { recursive: true, force: true });
      this.#incoming.delete(incoming);
    }
  }

  /** What a source is now, or undefined when it was never uploaded to this namespace. */
  async resolve(key: SourceKey): Promise<SourceRecord | undefined> {
    const storeKey = toSourceStoreKey(key);
    const record = await this.#deps.store.read(runtimeScope, storeKey);
    return record === undefined ? undefined : decodeSourceRecord(storeKey, record.value);
  }

  /** The folder of a source, which may not exist any more. */
  folder(sha256: string): string {
    return `${this.#folder}/${sha256}`;
  }

  has(sha256: string): boolean {
    return existsSync(this.folder(sha256));
  }

  /** Another one after each piece of work that may need a source; undefined while there is such work. */
  get workMark(): number | undefined {
    return this.#holderCount > 0 ? undefined : this.#workCount;
  }

  /** Runs `work` while no source is removed. */
  async holding<T>(work: () => Promise<T>): Promise<T> {
    this.#holderCount += 1;
    this.#workCount += 1;
    try {
      return await work();
    } finally {
      this.#holderCount -= 1;
    }
  }

  /**
   * Removes what nobody needs: names that no service uses and that are a day old, and folders that no name and no service
   * means. While others work with sources nothing is removed; the next call does it.
   *
   * @param used the hashes that services run, and the names that they came from.
   */
  async collect(used: { readonly hashes: ReadonlySet<string>; readonly keys: ReadonlySet<string> }): Promise<void> {
    const workCount = this.#workCount;
    const oldestMs = this.#deps.clock.now() - unusedMs;
    const needed = new Set(used.hashes);
    for (const { key, value } of await this.#deps.store.list(runtimeScope, { prefix: "source:" })) {
      const { sha256, uploadedAtMs } = decodeSourceRecord(key, value);
      if (used.keys.has(key) || uploadedAtMs > oldestMs) needed.add(sha256);
      else await this.#deps.store.write([{ kind: "delete", scope: runtimeScope, key }]);
    }
    const names = await this.#folders();
    // From here to the renaming nothing else runs, so that nobody can begin to need one of them.
    if (this.#holderCount > 0 || this.#workCount !== workCount) return;
    const doomed = names.filter((name) => !needed.has(name)).map((name) => this.#setAside(name));
    for (const folder of doomed) await rm(folder, { recursive: true, force: true });
  }

  /** Removes what uploads and removals left that a crash cut off. */
  async removeLeftovers(): Promise<void> {
    for (const name of await readdir(this.#folder).catch(() => [])) {
      const isOurs = name.startsWith(".") && !this.#incoming.has(`${this.#folder}/${name}`);
      if (isOurs) await rm(`${this.#folder}/${name}`, { recursive: true, force: true });
    }
  }

  async #keep(incoming: string, sha256: string, files: readonly SourceFile[]): Promise<void> {
    const target = this.folder(sha256);
    if (existsSync(target)) return;
    await syncTree(incoming, files);
    try {
      await rename(incoming, target);
    } catch (reason) {
      // Somebody else brought the same content at the same time.
      if (!existsSync(target)) throw MicroError.from(reason, { code: "unavailable", at: "runtime" });
    }
    await syncPath(this.#folder);
  }

  /** Where each content lies that was uploaded to a namespace: one must not learn what others have. */
  async #kept(namespace: string): Promise<(sha256: string) => string | undefined> {
    const records = await this.#deps.store.list(runtimeScope, { prefix: toSourceStorePrefix(namespace) });
    const found = records.map(({ key, value }) => decodeSourceRecord(key, value));
    const newest = found.toSorted((a, b) => b.uploadedAtMs - a.uploadedAtMs).map(({ sha256 }) => sha256);
    const sources: { readonly folder: string; readonly contents: SourceContents }[] = [];
    let readCount = 0;
    for (const each of new Set(newest)) {
      const isKnown = this.#index.knows(each);
      if (!this.has(each) || (!isKnown && readCount >= limits.sourceIndexStepCount)) continue;
      if (!isKnown) readCount += 1;
      const folder = this.folder(each);
      sources.push({ folder, contents: await this.#index.contents(each, folder) });
    }
    return (sha256) => {
      for (const { folder, contents } of sources) {
        const path = contents.get(sha256);
        if (path !== undefined) return `${folder}/${path}`;
      }
      return undefined;
    };
  }

  async #record(key: SourceKey, content: Pick<SourceRecord, "sha256" | "folder">): Promise<void> {
    const value = encodeSourceRecord({ ...content, uploadedAtMs: this.#deps.clock.now() });
    await this.#deps.store.write([{ kind: "put", scope: runtimeScope, key: toSourceStoreKey(key), value }]);
  }

  async #folders(): Promise<string[]> {
    const names = await readdir(this.#folder).catch(() => []);
    return names.filter((name) => /^[0-9a-f]{64}$/.test(name));
  }

  /** Renamed, so that a half removed source is never taken for a whole one. Returns where it lies now. */
  #setAside(sha256: string): string {
    const aside = `${this.#folder}/.removed-${crypto.randomUUID()}`;
    renameSync(this.folder(sha256), aside);
    this.#index.remove(sha256);
    return aside;
  }
}
