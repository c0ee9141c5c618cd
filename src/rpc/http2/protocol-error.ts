/** A peer does what HTTP/2 does not allow: the connection ends. */
export class Http2ProtocolError extends Error {
  override readonly name = "Http2ProtocolError";
  /** What the peer is told. */
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** A block of headers that cannot be read: what comes behind it cannot be read either. */
export class HpackError extends Http2ProtocolError {
  constructor(message: string) {
    super(compressionError, message);
  }
}

const compressionError = 9;
