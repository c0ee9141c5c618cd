import { DocumentCache } from "./document-cache.ts";
import { limits } from "#base/limits.ts";
import { MicroError } from "#base/error.ts";
import { defaultNamespace } from "#interface/auth.ts";
import type { ConfigRevision } from "#interface/config.ts";
import type { Store, StoreChange, StoreScope } from "#interface/store.ts";
import type { Undo } from "./change-tree.ts";
import {
  decodeDocument,
  decodeEntry,
  decodeUndoRecord,
  encodeDocument,
  encodeEntry,
  encodeUndoRecord,
  type ConfigDocument,
} from "./config-document.ts";

/** A record with the revision that the store gave it, to be written only where that still holds. */
export interface Versioned<T> {
  readonly value: T;
  /** 0: it is not there. */
  readonly storeRevision: number;
}

/** One change, to be written as a whole. */
export interface DocumentWrite {
  readonly document: ConfigDocument;
  readonly entry: ConfigRevision;
  readonly undo: Undo;
}

/**
 * Config in the store: table `config` of database `micro`. The key of a document is its namespace. Beside it lie, for
 * each revision that is kept, `NAMESPACE/log/REVISION`, what is told of it, and `NAMESPACE/undo/REVISION`, how to take it
 * back. No namespace has a slash, so none of them collide.
 */
export class ConfigRecords {
  readonly #store: Store;
  readonly #cache = new DocumentCache();

  constructor(store: Store) {
    this.#store = store;
  }

  async read(namespace: string): Promise<Versioned<ConfigDocument>> {
    const record = await this.#store.read(scope, namespace);
    if (record === undefined) return { value: { revision: 0, root: undefined }, storeRevision: 0 };
    const { revision: storeRevision, value: bytes } = record;
    const known = this.#cache.find(namespace, storeRevision);
    if (known !== undefined) return { value: known, storeRevision };
    const value = decodeDocument(bytes);
    this.#cache.keep(namespace, value, { storeRevision, bytes: bytes.length });
    return { value, storeRevision };
  }

  /** Revision of the document, without reading it. */
  async newestRevision(namespace: string): Promise<number> {
    const prefix = `${namespace}/log/`;
    const [key] = await this.#store.keys(scope, { prefix, order: "desc", limit: 1 });
    return key === undefined ? 0 : Number(key.slice(prefix.length));
  }

  /**
   * Writes a change with its place in the history, and forgets the revision that is one too many.
   *
   * @throws MicroError `conflict` when the document is not at `storeRevision` any more.
   */
  async write(namespace: string, change: DocumentWrite, storeRevision: number): Promise<void> {
    const { document, entry, undo } = change;
    const { revision } = document;
    const bytes = encodeDocument(document);
    const changes: StoreChange[] = [
      put(namespace, bytes, storeRevision),
      put(logKey(namespace, revision), encodeEntry(entry)),
      put(undoKey(namespace, revision), encodeUndoRecord(undo)),
    ];
    const forgotten = revision - limits.configHistoryCountMax;
    if (forgotten > 0) {
      changes.push(
        { kind: "delete", scope, key: logKey(namespace, forgotten) },
        { kind: "delete", scope, key: undoKey(namespace, forgotten) },
      );
    }
    const written = await this.#store.write(changes);
    this.#cache.keep(namespace, document, { storeRevision: written, bytes: bytes.length });
  }

  /** The same document with other seals; its revision stays. @throws MicroError `conflict`. */
  async replace(namespace: string, { value, storeRevision }: Versioned<ConfigDocument>): Promise<void> {
    await this.#store.write([put(namespace, encodeDocument(value), storeRevision)]);
  }

  /** Newest first, `count` a step behind revision `before`. */
  async entries(namespace: string, before: number | undefined, count: number): Promise<readonly ConfigRevision[]> {
    const after = before === undefined ? {} : { after: logKey(namespace, before) };
    const query = { prefix: `${namespace}/log/`, order: "desc", limit: count, ...after } as const;
    return (await this.#store.list(scope, query)).map((record) => decodeEntry(record.value));
  }

  /** How the revision is taken back; undefined when that is not kept. */
  async undo(namespace: string, revision: number): Promise<Versioned<Undo> | undefined> {
    const record = await this.#store.read(scope, undoKey(namespace, revision));
    return record === undefined ? undefined : { value: decodeUndoRecord(record.value), storeRevision: record.revision };
  }

  /** @throws MicroError `conflict` when it was forgotten meanwhile. */
  async replaceUndo(namespace: string, revision: number, { value, storeRevision }: Versioned<Undo>): Promise<void> {
    await this.#store.write([put(undoKey(namespace, revision), encodeUndoRecord(value), storeRevision)]);
  }

  /** Revisions that can be taken back, oldest first. */
  async undoRevisions(namespace: string): Promise<readonly number[]> {
    const prefix = `${namespace}/undo/`;
    const keys = await this.#store.keys(scope, { prefix });
    return keys.map((key) => Number(key.slice(prefix.length)));
  }

  /** Every namespace that has, or has had, a document. */
  async namespaces(): Promise<readonly string[]> {
    return (await this.#store.keys(scope)).filter((key) => !key.includes("/"));
  }
}

const scope: StoreScope = { database: defaultNamespace, table: "config" };

/** @throws MicroError `payload_too_large` for what no store keeps. */
function put(key: string, value: Uint8Array, expectedRevision?: number): StoreChange {
  if (value.length > limits.storeValueBytesMax) {
    const detail = `the document would take ${value.length} bytes on disk, at most ${limits.storeValueBytesMax} are possible`;
    throw new MicroError("payload_too_large", detail);
  }
  return { kind: "put", scope, key, value, ...(expectedRevision === undefined ? {} : { expectedRevision }) };
}

function logKey(namespace: string, revision: number): string {
  return `${namespace}/log/${padRevision(revision)}`;
}

function undoKey(namespace: string, revision: number): string {
  return `${namespace}/undo/${padRevision(revision)}`;
}

/** In keys, the order of text must be that of numbers. */
function padRevision(revision: number): string {
  return String(revision).padStart(16, "0");
}
