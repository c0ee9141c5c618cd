/** Who uses a connection at the moment. */
export interface ByteSocketUser {
  /** The bytes are the user's: nobody writes to them again. */
  onData(bytes: Buffer): void;
  /** All that was written is on its way. */
  onDrain(): void;
  /** The connection is gone; `cause` is the system's error where there was one. */
  onClose(cause: unknown): void;
}

/** A TCP or unix connection that stands, without the machinery of a stream. */
export interface ByteSocket {
  /** Says who hears of it; from then on it keeps the process alive. */
  use(user: ByteSocketUser): void;
  /** Sends bytes; false when some wait for the peer, then `onDrain` follows. They must not be written to afterwards. */
  write(bytes: Uint8Array): boolean;
  /** It keeps the process alive, or does not. */
  ref(): void;
  unref(): void;
  /** Ends it without ceremony; its user hears nothing more. */
  destroy(): void;
}

/** Opens one. @throws MicroError `unavailable` with `neverSent` when none comes to stand. */
export type ConnectBytes = (address: string) => Promise<ByteSocket>;
