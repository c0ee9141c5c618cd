import { copyFile } from "node:fs/promises";
import { systemClock, type Clock } from "#base/clock.ts";
import { MicroError } from "#base/error.ts";
import { silentLogger, type Logger } from "#base/logger.ts";
import { requireName } from "#base/name.ts";
import type { BackupPart } from "#interface/backup.ts";
import type {
  BlobContent,
  BlobInfo,
  BlobListQuery,
  BlobRange,
  Blobs,
  BlobScope,
  BlobWriteOptions,
} from "#interface/blob.ts";
import type { Store, StoreChange } from "#interface/store.ts";
import {
  blobScope,
  contentScope,
  decodeBlobRecord,
  encodeBlobRecord,
  encodeStoreKey,
  toStoreKey,
  type BlobRecord,
} from "./blob-record.ts";
import { checkBlobQuery, checkBlobRange, checkBlobScope, checkContentType } from "./check-blob.ts";
import { ContentFolder } from "./content-folder.ts";
import { ContentReader } from "./content-reader.ts";
import { onDisk } from "./disk-error.ts";
import { belongsToStore, identityFile } from "./folder-identity.ts";
import { KeyedTurns } from "./keyed-turns.ts";
import { receiveContent } from "./receive-content.ts";
import { Removals } from "./removals.ts";
import { sweepShelf } from "./sweep-shelf.ts";

export interface FileBlobsOptions {
  /** Where the contents lie; made, readable by its owner only, where it is missing. One process at a time. */
  readonly folder: string;
  /** Keeps what is known of each blob. Stays open for longer than the blobs. */
  readonly store: Store;
  /** @default systemClock */
  readonly clock?: Clock;
  /** @default says nothing */
  readonly logger?: Logger;
}

interface FileBlobsParts extends Required<FileBlobsOptions> {
  readonly contents: ContentFolder;
}

/**
 * The embedded driver: contents in files, facts in the store. A content is on disk before the record that names it is
 * written, and that record is the moment from which the blob is there; a content that no record names is removed, at the
 * latest after the next start.
 */
export class FileBlobs implements Blobs, BackupPart {
  readonly name = "blobs";
  readonly #parts: FileBlobsParts;
  readonly #removals: Removals;
  readonly #turns = new KeyedTurns();
  /** Contents in their place whose record is not yet written. */
  readonly #unrecorded = new Set<string>();
  readonly #sweep: Promise<void>;
  #isClosed = false;

  private constructor(parts: FileBlobsParts, isJoined: boolean) {
    this.#parts = parts;
    this.#removals = new Removals(parts.contents, parts.logger);
    this.#sweep = isJoined ? this.#removeUnnamed() : this.#warnOfForeign();
  }

  /** @throws MicroError `unavailable` when the folder or the store cannot be used. */
  static async open(options: FileBlobsOptions): Promise<FileBlobs> {
    const { folder, store, clock = systemClock, logger = silentLogger } = options;
    const contents = await onDisk(folder, ContentFolder.open(folder));
    const isJoined = await onDisk(folder, belongsToStore(contents, store));
    return new FileBlobs({ folder, store, clock, logger, contents }, isJoined);
  }

  async write(
    scope: BlobScope,
    content: AsyncIterable<Uint8Array>,
    { contentType = "", isPublic = false, signal }: BlobWriteOptions = {},
  ): Promise<BlobInfo> {
    checkBlobScope(scope);
    checkContentType(contentType);
    this.#requireOpen();
    const file = this.#parts.contents.createId();
    const written = await receiveContent(this.#parts.contents, file, this.#whileOpen(content, signal));
    return this.#turns.run(toStoreKey(scope), async () => {
      const modifiedAtMs = this.#parts.clock.now();
      const info = { key: scope.key, ...written, contentType, isPublic, modifiedAtMs };
      await this.#replace(scope, { file, info }, signal);
      return info;
    });
  }

  async stat(scope: BlobScope): Promise<BlobInfo | undefined> {
    return (await this.#find(checkBlobScope(scope)))?.info;
  }

  async read(scope: BlobScope, range: BlobRange = {}): Promise<BlobContent | undefined> {
    checkBlobScope(scope);
    const { contents } = this.#parts;
    let missing: string | undefined;
    for (;;) {
      const record = await this.#find(scope);
      if (record === undefined) return undefined;
      const { info, file: id } = record;
      const part = checkBlobRange(range, info.sizeBytes);
      const file = await contents.open(id);
      if (file !== undefined) {
        return { info, content: new ContentReader({ file, path: contents.file(id), info, ...part }) };
      }
      // Between the record and the file the blob may have been replaced; then there is another record by now.
      if (missing === id) throw contentMissing(scope, contents.file(id));
      missing = id;
    }
  }

  async delete(scope: BlobScope): Promise<void> {
    checkBlobScope(scope);
    await this.#turns.run(toStoreKey(scope), async () => {
      this.#requireOpen();
      const record = await this.#find(scope);
      if (record === undefined) return;
      const { file } = record;
      await this.#parts.store.write([
        { kind: "delete", scope: blobScope, key: toStoreKey(scope) },
        { kind: "delete", scope: contentScope, key: file },
      ]);
      await this.#removals.remove(file);
    });
  }

  async list(namespace: string, query?: BlobListQuery): Promise<readonly BlobInfo[]> {
    requireName("namespace", namespace);
    const { prefix, after, limit } = checkBlobQuery(query);
    const toKey = (key: string): string => toStoreKey({ namespace, key });
    const page = { prefix: toKey(prefix), limit, ...(after === "" ? {} : { after: toKey(after) }) };
    const records = await this.#parts.store.list(blobScope, page);
    return records.map(({ key, value }) => decodeBlobRecord(key.slice(namespace.length + 1), value).info);
  }

  /** Until the end of its scope no content is removed, so that every one that a record names now stays. */
  holdDeletions(): Disposable {
    return this.#removals.hold();
  }

  /** Copies all contents. The store must have been copied before, and deletions held since. */
  async copyTo(folder: string): Promise<void> {
    const { contents } = this.#parts;
    using _held = this.#removals.hold();
    await onDisk(folder, contents.copyTo(folder));
    await onDisk(folder, copyFile(`${contents.path}/${identityFile}`, `${folder}/${identityFile}`));
  }

  /** Resolves when what a crash left behind has been removed, which begins with `open`. Never rejects. */
  swept(): Promise<void> {
    return this.#sweep;
  }

  /** Refuses further writes with `unavailable` and ends what is under way. Contents that are being read stay open. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#sweep;
    await this.#turns.idle();
    await this.#removals.idle();
  }

  async #replace(scope: BlobScope, record: BlobRecord, signal: AbortSignal | undefined): Promise<void> {
    const { folder, contents, store } = this.#parts;
    const { file } = record;
    this.#unrecorded.add(file);
    try {
      this.#requireOpen();
      await onDisk(folder, contents.keep(file));
      const old = await this.#find(scope);
      const key = toStoreKey(scope);
      const changes: StoreChange[] = [
        { kind: "put", scope: blobScope, key, value: encodeBlobRecord(record) },
        { kind: "put", scope: contentScope, key: file, value: encodeStoreKey(scope) },
      ];
      if (old !== undefined) changes.push({ kind: "delete", scope: contentScope, key: old.file });
      requireWanted(signal);
      await store.write(changes);
      if (old !== undefined) await this.#removals.remove(old.file);
    } catch (reason) {
      await this.#withdraw(scope, file);
      throw reason;
    } finally {
      this.#unrecorded.delete(file);
    }
  }

  /** A store that failed to answer may have written the record all the same; then its content must stay. */
  async #withdraw(scope: BlobScope, file: string): Promise<void> {
    try {
      const record = await this.#find(scope);
      if (record?.file !== file) await this.#parts.contents.discard(file);
    } catch (reason) {
      // The next start removes it.
      this.#parts.logger.warn("a content that was not recorded stays for now", { file, error: reason });
    }
  }

  async #find(scope: BlobScope): Promise<BlobRecord | undefined> {
    const record = await this.#parts.store.read(blobScope, toStoreKey(scope));
    return record === undefined ? undefined : decodeBlobRecord(scope.key, record.value);
  }

  async #removeUnnamed(): Promise<void> {
    const { contents, store, logger } = this.#parts;
    const given = { contents, store, unrecorded: this.#unrecorded, removals: this.#removals };
    try {
      for (const shelf of contents.shelves) if (!this.#isClosed) await sweepShelf(given, shelf);
    } catch (reason) {
      logger.warn("contents without a blob stay for now", { folder: contents.path, error: reason });
    }
  }

  async #warnOfForeign(): Promise<void> {
    const { contents, logger } = this.#parts;
    const detail = "the blobs belong to another store: restore both from the same backup; nothing is removed";
    logger.error(detail, { folder: contents.path });
  }

  /** The pieces, as long as somebody wants them. */
  async *#whileOpen(content: AsyncIterable<Uint8Array>, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
    for await (const piece of content) {
      this.#requireOpen();
      requireWanted(signal);
      yield piece;
    }
  }

  #requireOpen(): void {
    if (this.#isClosed) throw new MicroError("unavailable", "the blobs are closed", { at: "store.Blob" });
  }
}

function requireWanted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw MicroError.from(signal.reason, { code: "cancelled" });
}

function contentMissing({ key }: BlobScope, path: string): MicroError {
  const detail = `the content of blob ${JSON.stringify(key)} is missing: ${path} is not there; restore it from a backup`;
  return new MicroError("internal", detail, { at: "store.Blob" });
}
