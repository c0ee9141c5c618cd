/** Where a blob lives. */
export interface BlobScope {
  readonly namespace: string;
  /** Any text up to `limits.blobKeyBytesMax`; by custom a path. */
  readonly key: string;
}

export interface BlobInfo {
  readonly key: string;
  readonly sizeBytes: number;
  /** Media type; empty when the writer said none. */
  readonly contentType: string;
  /** Whether the gateway serves it to everybody. */
  readonly isPublic: boolean;
  /** SHA-256 of the content, hexadecimal. */
  readonly sha256: string;
  /** Milliseconds since the epoch. */
  readonly modifiedAtMs: number;
}

export interface BlobContent {
  readonly info: BlobInfo;
  /** Pieces in order. Leaving early is fine. A blob that is read whole is checked: the last piece comes after its checksum held. */
  readonly content: AsyncIterable<Uint8Array>;
}

export interface BlobRange {
  /** Skipped first. @default 0 */
  readonly offset?: number;
  /** At most so many bytes. @default all */
  readonly length?: number;
}

export interface BlobListQuery {
  readonly prefix?: string;
  /** Begin behind this key. */
  readonly after?: string;
  /** At most so many; 0 or absent: all. */
  readonly limit?: number;
}

export interface BlobWriteOptions {
  /** Media type such as `image/png`. @default none */
  readonly contentType?: string;
  /** Whether the gateway serves it to everybody, at `/blobs/NAMESPACE/KEY`. @default false */
  readonly isPublic?: boolean;
  /** Gives the write up, `cancelled`, as long as it is not done: also between the end of the content and its being on disk. */
  readonly signal?: AbortSignal;
}

/**
 * Large values by key, moved in pieces. What `write` acknowledged is on disk; a write that ends early leaves what was
 * there before.
 */
export interface Blobs {
  /**
   * Replaces the blob once the whole content is there.
   *
   * @throws MicroError `invalid_argument` for a bad key, `payload_too_large`, `unavailable` when the disk refuses, and what
   * `content` throws.
   */
  write(scope: BlobScope, content: AsyncIterable<Uint8Array>, options?: BlobWriteOptions): Promise<BlobInfo>;
  stat(scope: BlobScope): Promise<BlobInfo | undefined>;
  /** @throws MicroError `invalid_argument` for a range outside of the blob; `internal`, from the content, when what lies on disk is not what was written. */
  read(scope: BlobScope, range?: BlobRange): Promise<BlobContent | undefined>;
  /** A missing one is no error. */
  delete(scope: BlobScope): Promise<void>;
  /** Ordered by key, bytewise. */
  list(namespace: string, query?: BlobListQuery): Promise<readonly BlobInfo[]>;
}
