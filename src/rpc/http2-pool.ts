import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import type { LivenessConfig } from "./liveness.ts";
import type { PooledSession, SessionOptions } from "./pooled-session.ts";

export interface Http2PoolOptions {
  /** Calls in flight on one connection before another is opened. @default limits.callsPerConnection */
  readonly callsPerConnection?: number;
  /** @default limits.connectionsPerAddressMax */
  readonly connectionsPerAddressMax?: number;
  /** Connections without a call for this long are closed, in milliseconds. @default limits.connectionIdleMs */
  readonly idleMs?: number;
  /** Time for a connection to stand, in milliseconds. @default limits.dialTimeoutMs */
  readonly dialTimeoutMs?: number;
  /** When a silent peer with calls is asked whether it is there. @default limits.keepAliveSilencesMs, limits.keepAliveTimeoutMs */
  readonly keepAlive?: LivenessConfig;
}

/** Begins to open a connection. */
export type OpenSession<S> = (options: SessionOptions<S>) => S;

/** HTTP/2 connections by address, opened when calls need them and closed when none has needed them for a while. */
export class Http2Pool<S extends PooledSession> {
  readonly #open: OpenSession<S>;
  readonly #config: Required<Http2PoolOptions>;
  /** Those that take calls, or will when they stand. */
  readonly #sessions = new Map<string, S[]>();
  /** Those that only finish the calls they have. */
  readonly #draining = new Set<S>();
  #sweep: NodeJS.Timeout | undefined;
  #checking: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(open: OpenSession<S>, options: Http2PoolOptions = {}) {
    this.#open = open;
    this.#config = Object.freeze({
      callsPerConnection: limits.callsPerConnection,
      connectionsPerAddressMax: limits.connectionsPerAddressMax,
      idleMs: limits.connectionIdleMs,
      dialTimeoutMs: limits.dialTimeoutMs,
      keepAlive: { silencesMs: limits.keepAliveSilencesMs, timeoutMs: limits.keepAliveTimeoutMs },
      ...options,
    });
  }

  /** Connections to `address` that take calls, or will when they stand. */
  connectionCount(address: string): number {
    return this.#sessions.get(address)?.length ?? 0;
  }

  /**
   * A connection with a place reserved, which the caller releases; at once where one stands.
   *
   * @throws MicroError `unavailable` with `neverSent` when no connection comes to stand, `too_many_requests` with
   * `neverSent` when every connection is full.
   */
  acquire(address: string): S | Promise<S> {
    if (this.#isClosed) throw new MicroError("cancelled", "the client is closed");
    const session = this.#choose(address);
    session.reserve();
    if (session.state.kind === "up") return session;
    return session.ready.then(
      () => session,
      (reason: unknown) => {
        session.release();
        throw reason;
      },
    );
  }

  /** Ends all connections and the calls on them. */
  close(): void {
    this.#isClosed = true;
    clearInterval(this.#sweep);
    clearInterval(this.#checking);
    for (const session of [...[...this.#sessions.values()].flat(), ...this.#draining]) session.close();
  }

  #choose(address: string): S {
    const open = this.#sessions.get(address) ?? [];
    let best: S | undefined;
    for (const session of open) {
      if (best === undefined || session.callCount < best.callCount) best = session;
    }
    const { callsPerConnection, connectionsPerAddressMax } = this.#config;
    const hasRoom = best !== undefined && best.callCount < Math.min(callsPerConnection, best.callCountMax);
    if (best !== undefined && hasRoom) return best;
    if (open.length < connectionsPerAddressMax) return this.#dial(address, open);
    if (best !== undefined && best.callCount < best.callCountMax) return best;
    throw new MicroError(
      "too_many_requests",
      `${address}: ${open.length} connections are full of calls; wait for some to end`,
      { neverSent: true },
    );
  }

  #dial(address: string, open: S[]): S {
    const session = this.#open({
      address,
      dialTimeoutMs: this.#config.dialTimeoutMs,
      keepAlive: this.#config.keepAlive,
      onChange: (changed) => this.#retire(changed),
    });
    open.push(session);
    this.#sessions.set(address, open);
    if (this.#sweep === undefined) {
      this.#sweep = setInterval(() => this.#closeIdle(), Math.max(1, this.#config.idleMs / 2));
      this.#sweep.unref();
    }
    if (this.#checking === undefined) {
      // A few looks for the shortest of the times.
      const { silencesMs, timeoutMs } = this.#config.keepAlive;
      this.#checking = setInterval(() => this.#checkAlive(), Math.max(1, Math.min(timeoutMs, ...silencesMs) / 4));
      this.#checking.unref();
    }
    return session;
  }

  #retire(session: S): void {
    if (session.state.kind === "draining") this.#draining.add(session);
    else this.#draining.delete(session);
    const left = (this.#sessions.get(session.address) ?? []).filter((each) => each !== session);
    if (left.length > 0) this.#sessions.set(session.address, left);
    else this.#sessions.delete(session.address);
    if (this.#sessions.size > 0) return;
    clearInterval(this.#sweep);
    this.#sweep = undefined;
    if (this.#draining.size > 0) return;
    clearInterval(this.#checking);
    this.#checking = undefined;
  }

  #checkAlive(): void {
    const nowMs = Date.now();
    for (const session of [...[...this.#sessions.values()].flat(), ...this.#draining]) session.checkAlive(nowMs);
  }

  #closeIdle(): void {
    const idleBeforeMs = Date.now() - this.#config.idleMs;
    for (const session of [...this.#sessions.values()].flat()) {
      const { idleSinceMs } = session;
      if (session.state.kind === "up" && idleSinceMs !== undefined && idleSinceMs <= idleBeforeMs) session.close();
    }
  }
}
