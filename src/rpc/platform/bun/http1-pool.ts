import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import type { CancelSignal } from "#rpc/http-client.ts";
import { SocketConnection } from "./socket-connection.ts";

/** A connection that rested longer than this may have been closed by a peer whose message is still unread. */
const freshMs = 2;

interface Waiting {
  readonly resolve: (connection: SocketConnection | undefined) => void;
}

interface Place {
  readonly address: string;
  /** The one that rested shortest is last, and taken first, so that the others can end. */
  readonly idle: SocketConnection[];
  readonly waiting: Waiting[];
  /** Connections in use or being opened, and idle ones. */
  openCount: number;
}

/** Kept HTTP/1.1 connections by address. */
export class Http1Pool {
  readonly #places = new Map<string, Place>();
  #sweep: Timer | undefined;
  #isClosed = false;

  /** A connection for one exchange, as `acquire` gives it, where one is at hand that was in use just now. */
  take(address: string): SocketConnection | undefined {
    const idle = this.#isClosed ? undefined : this.#places.get(address)?.idle;
    const last = idle?.at(-1);
    if (last === undefined || last.isClosed || Date.now() - last.idleSinceMs > freshMs) return undefined;
    idle?.pop();
    return last;
  }

  /**
   * A connection for one exchange, which must be given back.
   *
   * @throws MicroError `unavailable` with `neverSent` when none comes to stand; `too_many_requests` with `neverSent`
   * when too many calls wait for one; the reason of `signal`.
   */
  async acquire(address: string, signal: CancelSignal | undefined): Promise<SocketConnection> {
    if (this.#isClosed) throw new MicroError("cancelled", "the client is closed");
    for (;;) {
      const kept = this.#place(address).idle.pop();
      if (kept === undefined) break;
      if (Date.now() - kept.idleSinceMs > freshMs) await nextPoll();
      if (!kept.isClosed) return kept;
    }
    const place = this.#place(address);
    if (place.openCount < limits.httpConnectionsPerAddressMax) return this.#open(place, signal);
    const given = await this.#wait(place, signal);
    return given ?? this.#open(this.#place(address), signal);
  }

  /** Takes a connection back. @param isClean whether it may carry another exchange. */
  giveBack(connection: SocketConnection, isClean: boolean): void {
    const place = this.#places.get(connection.address);
    if (!isClean || connection.isClosed || place === undefined || this.#isClosed) {
      connection.destroy();
      this.#leave(connection.address);
      return;
    }
    connection.rest();
    const next = place.waiting.shift();
    if (next === undefined) place.idle.push(connection);
    else next.resolve(connection);
  }

  /** Closes idle connections now, and the others when they are given back. */
  close(): void {
    this.#isClosed = true;
    clearInterval(this.#sweep);
    for (const place of this.#places.values()) {
      for (const connection of place.idle.splice(0)) connection.destroy();
    }
  }

  /** Opens a connection. Where the call ends before it stands, the connection is kept for another. */
  #open(place: Place, signal: CancelSignal | undefined): Promise<SocketConnection> {
    const opening = this.#dial(place);
    return new Promise((resolve, reject) => {
      let isLeft = false;
      const onAbort = (): void => {
        isLeft = true;
        reject(MicroError.from(signal?.reason, { code: "cancelled" }));
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      opening
        .finally(() => signal?.removeEventListener("abort", onAbort))
        .then((connection) => (isLeft ? this.giveBack(connection, true) : resolve(connection)), reject);
    });
  }

  async #dial(place: Place): Promise<SocketConnection> {
    place.openCount += 1;
    try {
      return await SocketConnection.open(place.address, (closed) => this.#forget(closed));
    } catch (reason) {
      this.#leave(place.address);
      throw reason;
    }
  }

  /** A connection that another call gives back, or nothing when there is room for a new one. */
  #wait(place: Place, signal: CancelSignal | undefined): Promise<SocketConnection | undefined> {
    if (place.waiting.length >= limits.httpWaitingCountMax) {
      const detail = `${place.address}: ${place.waiting.length} calls wait for a connection already`;
      throw new MicroError("too_many_requests", detail, { neverSent: true });
    }
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        place.waiting.splice(place.waiting.indexOf(waiting), 1);
        reject(MicroError.from(signal?.reason, { code: "cancelled" }));
      };
      const waiting: Waiting = {
        resolve: (connection) => {
          signal?.removeEventListener("abort", onAbort);
          resolve(connection);
        },
      };
      place.waiting.push(waiting);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  /** An idle connection ended. */
  #forget(closed: SocketConnection): void {
    const place = this.#places.get(closed.address);
    const at = place?.idle.indexOf(closed) ?? -1;
    if (at !== -1) place?.idle.splice(at, 1);
    this.#leave(closed.address);
  }

  /** One connection less: whoever waits may open another. */
  #leave(address: string): void {
    const place = this.#places.get(address);
    if (place === undefined) return;
    place.openCount -= 1;
    place.waiting.shift()?.resolve(undefined);
    if (place.openCount > 0 || place.waiting.length > 0) return;
    this.#places.delete(address);
    if (this.#places.size > 0) return;
    clearInterval(this.#sweep);
    this.#sweep = undefined;
  }

  #place(address: string): Place {
    const known = this.#places.get(address);
    if (known !== undefined) return known;
    const place: Place = { address, idle: [], waiting: [], openCount: 0 };
    this.#places.set(address, place);
    if (this.#sweep === undefined) {
      this.#sweep = setInterval(() => this.#closeIdle(), limits.connectionIdleMs / 2);
      this.#sweep.unref();
    }
    return place;
  }

  #closeIdle(): void {
    const idleBeforeMs = Date.now() - limits.connectionIdleMs;
    for (const place of this.#places.values()) {
      for (const connection of place.idle.filter((each) => each.idleSinceMs <= idleBeforeMs)) {
        connection.destroy();
        this.#forget(connection);
      }
    }
  }
}

/** Resolves after the system was asked for news: an end of the connection that has already arrived is then known. */
async function nextPoll(): Promise<void> {
  // The first turn may belong to the round of news that is being worked on.
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
}
