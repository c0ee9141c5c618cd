import {
  connect,
  constants,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type OutgoingHttpHeaders,
} from "node:http2";
import { connect as connectSocket, type Socket } from "node:net";
import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import { linkHttp2 } from "#platform/http2-link.ts";
import { widenConnectionWindow } from "#platform/http2-window.ts";
import type { Http2Link } from "./http2-link.ts";
import { Liveness } from "./liveness.ts";
import { connectionFailure, fromConnectionFailure } from "./connection-error.ts";
import type { PooledSession, SessionOptions, SessionState } from "./pooled-session.ts";
import { parseSocketAddress } from "./socket-address.ts";

/**
 * One HTTP/2 connection in cleartext, as a client. Calls reserve a place before they open a stream, and release it when
 * the stream is closed. A connection without calls does not keep the process alive.
 */
export class Http2Session implements PooledSession {
  readonly address: string;
  /** Resolves when calls may be sent; rejects with `unavailable` and `neverSent` when it comes to nothing. */
  readonly ready: Promise<void>;
  readonly #session: ClientHttp2Session;
  readonly #link: Http2Link;
  readonly #liveness: Liveness;
  readonly #onChange: (session: Http2Session) => void;
  #state: SessionState = { kind: "dialing" };
  #callCount = 0;
  #callCountMax: number = limits.streamsPerConnectionMax;
  #idleSinceMs = Date.now();

  constructor(options: SessionOptions<Http2Session>) {
    this.address = options.address;
    this.#onChange = options.onChange;
    const socket = openSocket(options.address);
    const link = linkHttp2(socket, "client");
    this.#link = link;
    this.#session = connect("http://localhost", {
      createConnection: () => link.duplex,
      // Paused streams hold what was read for them; Node's default of 10 MB would refuse new calls too early.
      maxSessionMemory: 256,
      settings: { enablePush: false, initialWindowSize: limits.http2StreamWindowBytes },
    });
    const watched = {
      bytesRead: () => socket.bytesRead,
      ping: (onPong: () => void) => void this.#session.ping(onPong),
    };
    this.#liveness = new Liveness(watched, options.keepAlive, Date.now());
    this.ready = this.#dial(options.dialTimeoutMs);
    // The pool awaits it; where every call has left before that, its failure is of no interest.
    this.ready.catch(() => undefined);
    this.#watch(socket);
  }

  get state(): SessionState {
    return this.#state;
  }

  /** Calls that hold a place. */
  get callCount(): number {
    return this.#callCount;
  }

  /** Streams that the peer allows at once, never more than ours of limits.streamsPerConnectionMax. */
  get callCountMax(): number {
    return this.#callCountMax;
  }

  /** When the last call left, in milliseconds since the epoch; undefined while there are calls. */
  get idleSinceMs(): number | undefined {
    return this.#callCount === 0 ? this.#idleSinceMs : undefined;
  }

  reserve(): void {
    if (this.#callCount === 0) this.#session.ref();
    this.#callCount += 1;
  }

  release(): void {
    this.#callCount -= 1;
    if (this.#callCount > 0) return;
    this.#idleSinceMs = Date.now();
    if (this.#state.kind === "up") this.#session.unref();
    else if (this.#state.kind === "draining") this.#session.close();
  }

  /**
   * Opens a stream. @throws MicroError `unavailable` with `neverSent` when the connection takes no more calls,
   * `invalid_argument` when the headers cannot be sent.
   */
  request(headers: OutgoingHttpHeaders): ClientHttp2Stream {
    try {
      const stream = this.#session.request(headers);
      this.#account(stream);
      return stream;
    } catch (cause) {
      if (this.#session.closed || this.#session.destroyed || this.#state.kind !== "up") throw this.#lost(true, cause);
      throw new MicroError("invalid_argument", "the metadata of the call cannot be sent as headers", { cause });
    }
  }

  /** Why a stream ended without an answer: asked after its `close`. */
  explain(stream: ClientHttp2Stream, cause: unknown): MicroError {
    const isRefused = stream.rstCode === constants.NGHTTP2_REFUSED_STREAM;
    if (isRefused || stream.id === undefined || stream.id > this.#lastStreamId()) {
      return connectionFailure("unavailable", this.address, "the call was not taken", { neverSent: true, cause });
    }
    if (this.#state.kind === "closed" || this.#session.destroyed) return this.#lost(false, cause);
    return connectionFailure("bad_gateway", this.address, "the answer broke off before its end", { cause });
  }

  /** Looks whether a peer that has calls still lives; ends the connection and the calls of one that does not. */
  checkAlive(nowMs: number): void {
    const { kind } = this.#state;
    if (kind !== "up" && kind !== "draining") return;
    if (this.#callCount === 0) return this.#liveness.rest(nowMs);
    if (this.#session.destroyed || this.#liveness.check(nowMs)) return;
    this.#end(connectionFailure("unavailable", this.address, "the service stopped answering"));
    this.#session.destroy();
  }

  /** Ends the connection and the calls on it. */
  close(): void {
    this.#end(new MicroError("unavailable", `${this.address}: the client was closed`));
    this.#session.destroy();
  }

  #account(stream: ClientHttp2Stream): void {
    const { id } = stream;
    if (id === undefined) return;
    this.#link.begin(id);
    stream.once("close", () => this.#link.end(id));
  }

  #dial(timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const fail = (reason: MicroError): void => {
        if (this.#state.kind !== "dialing") return;
        clearTimeout(timer);
        this.#end(reason);
        this.#session.destroy();
        reject(reason);
      };
      const timer = setTimeout(() => fail(noConnection(this.address, timeoutMs)), timeoutMs);
      this.#session.once("connect", () => {
        if (this.#state.kind !== "dialing") return;
        clearTimeout(timer);
        this.#state = { kind: "up" };
        widenConnectionWindow(this.#session);
        if (this.#callCount === 0) this.#session.unref();
        resolve();
      });
      this.#session.once("error", (cause: Error) => fail(fromConnectionFailure(this.address, cause, false)));
      this.#session.once("close", () => fail(this.#lost(true, undefined)));
    });
  }

  #watch(socket: Socket): void {
    this.#session.on("remoteSettings", (settings) => {
      const allowed = settings.maxConcurrentStreams ?? limits.streamsPerConnectionMax;
      this.#callCountMax = Math.min(allowed, limits.streamsPerConnectionMax);
    });
    this.#session.on("goaway", (_code, lastStreamId) => this.#drain(lastStreamId));
    this.#session.on("error", (cause: Error) => this.#end(fromConnectionFailure(this.address, cause)));
    this.#session.on("close", () => this.#end(this.#lost(false, undefined)));
    socket.on("close", () => this.#end(this.#lost(false, undefined)));
  }

  #drain(lastStreamId: number): void {
    if (this.#state.kind !== "up") return;
    this.#state = { kind: "draining", lastStreamId };
    this.#onChange(this);
    if (this.#callCount === 0) this.#session.close();
  }

  #end(reason: MicroError): void {
    if (this.#state.kind === "closed") return;
    this.#state = { kind: "closed", lastStreamId: this.#lastStreamId(), reason };
    this.#onChange(this);
  }

  /** The last stream that the peer has said it will answer; it has said so only when it drains. */
  #lastStreamId(): number {
    return this.#state.kind === "draining" || this.#state.kind === "closed"
      ? this.#state.lastStreamId
      : Number.POSITIVE_INFINITY;
  }

  #lost(neverSent: boolean, cause: unknown): MicroError {
    return connectionFailure("unavailable", this.address, "the connection was lost", { neverSent, cause });
  }
}

function noConnection(address: string, timeoutMs: number): MicroError {
  return connectionFailure("unavailable", address, `no connection within ${timeoutMs} ms`, { neverSent: true });
}

function openSocket(address: string): Socket {
  const target = parseSocketAddress(address);
  if (target.kind === "unix") return connectSocket({ path: target.path });
  const socket = connectSocket({ host: target.host, port: target.port });
  socket.setNoDelay(true);
  return socket;
}
