import type { Duplex } from "node:stream";

/** A connection as HTTP/2 uses it, with an account of its streams where the platform needs one. */
export interface Http2Link {
  /** What HTTP/2 reads and writes. */
  readonly duplex: Duplex;
  /** A stream was opened, by either side. */
  begin(streamId: number): void;
  /** It is closed. */
  end(streamId: number): void;
}
