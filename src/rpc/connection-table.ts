import type { ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import { repeat, type Stoppable } from "#base/lifecycle.ts";
import { limits } from "#base/limits.ts";
import { Liveness, type LivenessConfig } from "./liveness.ts";

/** A connection of a listener. */
export interface Connection {
  readonly socket: Socket;
  /** Present once the peer has shown that it speaks HTTP/2. */
  session: ServerHttp2Session | undefined;
  /** Whether the peer is still there; present with the session. */
  liveness: Liveness | undefined;
  /** Calls that are being answered. */
  activeCount: number;
  /** When it was opened or saw its last call end. */
  idleSinceMs: number;
  /** Bytes that had come by then: more mean that a request has begun. */
  bytesAtIdle: number;
  /** When a request was first seen to have begun; undefined while nothing has come. */
  begunAtMs: number | undefined;
}

/** How often connections are looked at, in milliseconds: fine enough for limits of seconds. */
const sweepIntervalMs = 1_000;

/**
 * The connections of one listener. Closes those that hold a place for nothing: opened without a request, a request whose
 * headers do not come to an end, no call for a long time. One look a second at all of them costs less than a timer for each.
 */
export class ConnectionTable {
  readonly #bySocket = new Map<Socket, Connection>();
  readonly #sweeping: Stoppable;
  readonly #keepAlive: LivenessConfig;
  #isDraining = false;
  #onEmpty: (() => void) | undefined;

  /** @param keepAlive when a silent peer that waits for answers is asked whether it is there. @default limits.callerSilencesMs, limits.callerTimeoutMs */
  constructor(keepAlive?: LivenessConfig) {
    this.#keepAlive = keepAlive ?? { silencesMs: limits.callerSilencesMs, timeoutMs: limits.callerTimeoutMs };
    this.#sweeping = repeat({ intervalMs: sweepIntervalMs, onError: () => undefined }, () => this.sweep(Date.now()));
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** Takes up a connection, or closes it when there are too many or the listener stops. */
  add(socket: Socket): Connection | undefined {
    // A connection that breaks is told by its "close"; the error says nothing more, but unheard it would end the process.
    socket.on("error", () => undefined);
    if (this.#isDraining || this.#bySocket.size >= limits.connectionCountMax) {
      socket.destroy();
      return undefined;
    }
    const connection: Connection = {
      socket,
      session: undefined,
      liveness: undefined,
      activeCount: 0,
      idleSinceMs: Date.now(),
      bytesAtIdle: 0,
      begunAtMs: Date.now(),
    };
    this.#bySocket.set(socket, connection);
    socket.once("close", () => {
      this.#bySocket.delete(socket);
      if (this.#bySocket.size === 0) this.#onEmpty?.();
    });
    return connection;
  }

  get(socket: Socket): Connection | undefined {
    return this.#bySocket.get(socket);
  }

  begin(connection: Connection): void {
    connection.activeCount += 1;
    connection.begunAtMs = undefined;
  }

  finish(connection: Connection): void {
    connection.activeCount -= 1;
    if (connection.activeCount > 0) return;
    connection.idleSinceMs = Date.now();
    connection.bytesAtIdle = connection.socket.bytesRead;
    if (this.#isDraining && connection.session === undefined) connection.socket.end();
  }

  /** One look at all connections. */
  sweep(nowMs: number): void {
    for (const connection of this.#bySocket.values()) {
      if (connection.activeCount > 0) {
        this.#checkAlive(connection, nowMs);
        continue;
      }
      connection.liveness?.rest(nowMs);
      if (connection.session !== undefined) this.#sweepSession(connection, connection.session, nowMs);
      else this.#sweepPlain(connection, nowMs);
    }
  }

  /** Refuses new work, lets the calls in flight end, at most for `timeoutMs`, then closes everything. */
  async drain(timeoutMs: number): Promise<void> {
    this.#isDraining = true;
    const empty = this.#emptied();
    for (const connection of this.#bySocket.values()) {
      if (connection.session !== undefined) connection.session.close();
      else if (connection.activeCount === 0) connection.socket.destroy();
    }
    const timer = setTimeout(() => {
      for (const { socket, session } of this.#bySocket.values()) {
        session?.destroy();
        socket.destroy();
      }
    }, timeoutMs);
    await empty;
    clearTimeout(timer);
    await this.#sweeping.stop();
  }

  /** A caller who vanished without a word would keep his streams for ever. */
  #checkAlive(connection: Connection, nowMs: number): void {
    const { session, socket } = connection;
    if (session === undefined || session.destroyed) return;
    const ping = (onPong: () => void): void => void (session.destroyed || session.ping(onPong));
    connection.liveness ??= new Liveness({ bytesRead: () => socket.bytesRead, ping }, this.#keepAlive, nowMs);
    if (!connection.liveness.check(nowMs)) socket.destroy();
  }

  #sweepPlain(connection: Connection, nowMs: number): void {
    const { socket, begunAtMs, idleSinceMs, bytesAtIdle } = connection;
    if (begunAtMs !== undefined) {
      if (nowMs - begunAtMs > limits.headerTimeoutMs) socket.destroy();
    } else if (socket.bytesRead > bytesAtIdle) {
      connection.begunAtMs = nowMs;
    } else if (nowMs - idleSinceMs > limits.connectionIdleMs) {
      socket.destroy();
    }
  }

  #sweepSession({ idleSinceMs, socket }: Connection, session: ServerHttp2Session, nowMs: number): void {
    if (nowMs - idleSinceMs <= limits.connectionIdleMs) return;
    // The second look finds a peer that did not leave when it was told to.
    if (session.closed) socket.destroy();
    else session.close();
  }

  #emptied(): Promise<void> {
    if (this.#bySocket.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onEmpty = resolve;
    });
  }
}
