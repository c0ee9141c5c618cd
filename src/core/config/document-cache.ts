import { limits } from "#base/limits.ts";
import type { ConfigDocument } from "./config-document.ts";

interface CachedDocument {
  readonly document: ConfigDocument;
  readonly storeRevision: number;
  readonly bytes: number;
}

/** The documents that were read last, as long as the store has nothing newer: reading the bytes is cheap, what they mean is not. */
export class DocumentCache {
  /** The one that was used last comes last. */
  readonly #documents = new Map<string, CachedDocument>();
  #bytes = 0;

  /** Undefined unless the store is still at that revision of it. */
  find(namespace: string, storeRevision: number): ConfigDocument | undefined {
    const found = this.#documents.get(namespace);
    if (found?.storeRevision !== storeRevision) return undefined;
    this.#documents.delete(namespace);
    this.#documents.set(namespace, found);
    return found.document;
  }

  /** @param bytes what it takes in the store */
  keep(namespace: string, document: ConfigDocument, { storeRevision, bytes }: Omit<CachedDocument, "document">): void {
    this.#drop(namespace);
    this.#documents.set(namespace, { document, storeRevision, bytes });
    this.#bytes += bytes;
    for (const oldest of this.#documents.keys()) {
      if (this.#bytes <= limits.configCacheBytesMax) return;
      this.#drop(oldest);
    }
  }

  #drop(namespace: string): void {
    this.#bytes -= this.#documents.get(namespace)?.bytes ?? 0;
    this.#documents.delete(namespace);
  }
}
