import type { MicroError } from "#base/error.ts";
import type { LivenessConfig } from "./liveness.ts";

/** Where a connection is in its life. */
export type SessionState =
  | { readonly kind: "dialing" }
  | { readonly kind: "up" }
  /** The peer takes no new calls; those up to `lastStreamId` are still answered. */
  | { readonly kind: "draining"; readonly lastStreamId: number }
  | { readonly kind: "closed"; readonly lastStreamId: number; readonly reason: MicroError };

export interface SessionOptions<S> {
  readonly address: string;
  /** Time for the connection to stand, in milliseconds. */
  readonly dialTimeoutMs: number;
  /** When a silent peer is asked whether it is there, while it has calls. */
  readonly keepAlive: LivenessConfig;
  /** Told when the session begins to drain, and when it is closed. */
  readonly onChange: (session: S) => void;
}

/** A connection that carries many calls at once, as a pool of such sees it. */
export interface PooledSession {
  readonly address: string;
  /** Resolves when calls may be sent; rejects with `unavailable` and `neverSent` when it comes to nothing. */
  readonly ready: Promise<void>;
  readonly state: SessionState;
  /** Calls that hold a place. */
  readonly callCount: number;
  /** Streams that the peer allows at once, never more than ours of limits.streamsPerConnectionMax. */
  readonly callCountMax: number;
  /** When the last call left, in milliseconds since the epoch; undefined while there are calls. */
  readonly idleSinceMs: number | undefined;
  reserve(): void;
  release(): void;
  /** Looks whether a peer that has calls still lives; ends the connection and the calls of one that does not. */
  checkAlive(nowMs: number): void;
  /** Ends the connection and the calls on it. */
  close(): void;
}
