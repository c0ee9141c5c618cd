/** A document's path: words between dots; empty is the whole document. */
export interface ConfigKey {
  readonly namespace: string;
  readonly path: string;
}

export interface ConfigReadOptions {
  /** Shows secrets instead of `[secret]`. @default false */
  readonly showsSecrets?: boolean;
}

/** What lies at a path. */
export interface ConfigState {
  /** JSON text, numbers with all their digits; undefined when nothing is there. */
  readonly json: string | undefined;
  /** Revision of the document; 0 when there is none. Grows with every change. */
  readonly revision: number;
}

export interface ConfigChangeOptions {
  /** Id of the account that does it, for the history. */
  readonly account: string;
  /** Only if the document is still at this revision; 0: only if there is none. */
  readonly expectedRevision?: number;
}

/** One change of a document. */
export interface ConfigRevision {
  readonly revision: number;
  readonly path: string;
  /** What it was set to, secrets masked, a big value as its size (`"[70000 bytes]"`); undefined for a removal and for a rollback. */
  readonly json: string | undefined;
  /** Milliseconds since the epoch. */
  readonly timestampMs: number;
  readonly account: string;
  /** Of a rollback: the revision that the document went back to. */
  readonly rolledBackTo?: number;
}

/** One JSON document a namespace, read and written by path. Secrets are encrypted on disk. */
export interface Config {
  read(key: ConfigKey, options?: ConfigReadOptions): Promise<ConfigState>;
  /**
   * Merges an object into what is there, replaces by anything else, and answers with the new revision. What takes the place
   * of a secret is a secret too, until it is deleted; `"[secret]"` in its place leaves it as it is.
   *
   * @throws MicroError `invalid_argument` for a bad path or what is no JSON; `failed_precondition` for a child under a value
   * that is no object; `conflict` when `expectedRevision` does not hold; `payload_too_large`.
   */
  set(key: ConfigKey, json: string, options: ConfigChangeOptions & { readonly isSecret?: boolean }): Promise<number>;
  /** Removes a path and all below it; a missing one is no error. Answers with the revision of the document. */
  delete(key: ConfigKey, options: ConfigChangeOptions): Promise<number>;
  /** What is there now, then what is there after every change of it. A slow reader gets the last state, not every one; a change that leaves it as it was is not told. */
  watch(key: ConfigKey, options?: ConfigReadOptions & { readonly signal?: AbortSignal }): AsyncIterable<ConfigState>;
  /** Changes that touched the path, at it, above or below. Newest first. @param limit 0: `limits.configHistoryCountMax` */
  history(key: ConfigKey, limit?: number): Promise<readonly ConfigRevision[]>;
  /** @throws MicroError `not_found` when the revision is not kept. */
  rollback(namespace: string, revision: number, options: ConfigChangeOptions): Promise<number>;
  /** Encrypts all secrets of all namespaces with a new key and says how many. */
  rotateKey(): Promise<number>;
}
