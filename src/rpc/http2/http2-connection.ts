import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import type { ByteSocket, ByteSocketUser, ConnectBytes } from "#rpc/byte-socket.ts";
import { connectionFailure, fromConnectionFailure } from "#rpc/connection-error.ts";
import { Liveness } from "#rpc/liveness.ts";
import type { PooledSession, SessionOptions, SessionState } from "#rpc/pooled-session.ts";
import { BodySender } from "./body-sender.ts";
import { FrameReader, type FrameListener } from "./frame-reader.ts";
import { FrameWriter } from "./frame-writer.ts";
import {
  ackFrame,
  clientPreface,
  errorCodes,
  frameFlags,
  frameKinds,
  headerFrames,
  numbersFrame,
  settingIds,
  settingsFrame,
  windowBytesDefault,
  type FrameHead,
} from "./frames.ts";
import { HeaderBlocks, unpad } from "./header-blocks.ts";
import { Http2ProtocolError } from "./protocol-error.ts";

/** Who sent a request. */
export interface RequestListener {
  /** The headers of the answer, or what follows its body. */
  onHeaders(headers: Readonly<Record<string, string>>, isEnd: boolean): void;
  onData(bytes: Buffer, isEnd: boolean): void;
  /** Nothing more comes: the peer gave the stream up, or the connection ended. */
  onLost(failure: MicroError): void;
}

/** A request that is not answered. */
interface OpenRequest {
  readonly listener: RequestListener;
  /** Bytes of the answer for which no room was made again. */
  takenBytes: number;
}

/** What the headers of one answer may count, and what the peer may send ahead on the connection, all answers together. */
const headerBytesMax = 64 * 1024;
const connectionWindowBytes = 16 * 1024 * 1024;
const streamWindowBytes = limits.http2StreamWindowBytes;
/** Streams get odd numbers, and there is a last one. */
const streamIdMax = 2 ** 31 - 1;

/**
 * One HTTP/2 connection in cleartext, as a client, for requests that are sent whole: gRPC's calls of one message. It does
 * no more than these need, which is a fraction of what a general client does for each stream.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9113
 */
export class Http2Connection implements PooledSession, ByteSocketUser, FrameListener {
  readonly address: string;
  readonly ready: Promise<void>;
  readonly #up = Promise.withResolvers<void>();
  readonly #onChange: (session: Http2Connection) => void;
  readonly #liveness: Liveness;
  readonly #reader = new FrameReader(this);
  readonly #blocks = new HeaderBlocks(headerBytesMax);
  readonly #writer = new FrameWriter();
  readonly #bodies = new BodySender(this.#writer);
  readonly #requests = new Map<number, OpenRequest>();
  readonly #pongs: (() => void)[] = [];
  #socket: ByteSocket | undefined;
  #state: SessionState = { kind: "dialing" };
  #nextId = 1;
  #callCount = 0;
  #callCountMax: number = limits.streamsPerConnectionMax;
  #idleSinceMs = Date.now();
  #readBytes = 0;
  #takenBytes = 0;

  constructor(connect: ConnectBytes, options: SessionOptions<Http2Connection>) {
    this.address = options.address;
    this.#onChange = options.onChange;
    const watched = { bytesRead: () => this.#readBytes, ping: (onPong: () => void) => this.#ping(onPong) };
    this.#liveness = new Liveness(watched, options.keepAlive, Date.now());
    this.ready = this.#up.promise;
    // The pool awaits it; where every call has left before that, its failure is of no interest.
    this.ready.catch(() => undefined);
    void this.#dial(connect, options.dialTimeoutMs);
  }

  get state(): SessionState {
    return this.#state;
  }

  get callCount(): number {
    return this.#callCount;
  }

  get callCountMax(): number {
    return this.#callCountMax;
  }

  get idleSinceMs(): number | undefined {
    return this.#callCount === 0 ? this.#idleSinceMs : undefined;
  }

  reserve(): void {
    if (this.#callCount === 0) this.#socket?.ref();
    this.#callCount += 1;
  }

  release(): void {
    this.#callCount -= 1;
    if (this.#callCount > 0) return;
    this.#idleSinceMs = Date.now();
    if (this.#state.kind === "draining") this.#end(this.#lost());
    else this.#socket?.unref();
  }

  /**
   * Sends a request. Its stream is over after an answer that ends, `onLost`, or `cancel`.
   *
   * @param block the headers, as HPACK writes them.
   * @throws MicroError `unavailable` with `neverSent` when the connection takes no more.
   */
  request(block: string, body: Uint8Array, listener: RequestListener): number {
    if (this.#state.kind !== "up") throw this.#lost({ neverSent: true });
    const streamId = this.#nextId;
    this.#nextId += 2;
    this.#requests.set(streamId, { listener, takenBytes: 0 });
    for (const frame of headerFrames(streamId, block)) this.#writer.write(frame);
    this.#bodies.send(streamId, body);
    if (this.#nextId > streamIdMax) this.#drain(streamId);
    return streamId;
  }

  /** Gives a request up; the peer is told, and nothing more is heard of it. */
  cancel(streamId: number): void {
    this.#bodies.forget(streamId);
    if (!this.#requests.delete(streamId)) return;
    this.#writer.write(numbersFrame(frameKinds.reset, streamId, errorCodes.cancel));
  }

  checkAlive(nowMs: number): void {
    const { kind } = this.#state;
    if (kind !== "up" && kind !== "draining") return;
    if (this.#callCount === 0) return this.#liveness.rest(nowMs);
    if (this.#liveness.check(nowMs)) return;
    this.#end(connectionFailure("unavailable", this.address, "the service stopped answering"));
  }

  close(): void {
    this.#end(new MicroError("unavailable", `${this.address}: the client was closed`));
  }

  onData(bytes: Buffer): void {
    this.#readBytes += bytes.byteLength;
    try {
      this.#reader.push(bytes);
    } catch (reason) {
      const code = reason instanceof Http2ProtocolError ? reason.code : errorCodes.internal;
      this.#writer.write(numbersFrame(frameKinds.goaway, 0, 0, code));
      this.#writer.flush();
      const said = MicroError.from(reason).detail;
      this.#end(connectionFailure("unavailable", this.address, `it does not speak HTTP/2: ${said}`, { cause: reason }));
    }
  }

  onDrain(): void {
    this.#writer.drained();
  }

  onClose(cause: unknown): void {
    this.#socket = undefined;
    this.#end(cause === undefined ? this.#lost() : fromConnectionFailure(this.address, cause, true));
  }

  onFrame(head: FrameHead, payload: Buffer): void {
    if (this.#state.kind === "closed") return;
    if (this.#state.kind === "dialing" && head.kind !== frameKinds.settings)
      throw broken("it does not begin as it should");
    this.#blocks.check(head);
    switch (head.kind) {
      case frameKinds.data:
        return this.#takeData(head, payload);
      case frameKinds.headers:
      case frameKinds.continuation:
        return this.#takeHeaders(head, payload);
      case frameKinds.reset:
        return this.#takeReset(head, payload);
      case frameKinds.settings:
        return this.#takeSettings(head, payload);
      case frameKinds.ping:
        return this.#takePing(head, payload);
      case frameKinds.goaway:
        requireSize(payload.byteLength >= 8);
        return this.#drain(payload.readUInt32BE(0) & streamIdMax);
      case frameKinds.windowUpdate:
        requireSize(payload.byteLength === 4);
        this.#requireKnown(head.streamId);
        return this.#bodies.widen(head.streamId, payload.readUInt32BE(0) & streamIdMax);
      case frameKinds.push:
        throw broken("it pushes what nobody asked for");
      // Of other kinds nothing has to be known.
    }
  }

  #takeData({ flags, streamId, bytes }: FrameHead, payload: Buffer): void {
    this.#requireStream(streamId);
    const content = unpad(flags, payload);
    this.#takenBytes += bytes;
    if (this.#takenBytes > connectionWindowBytes / 2) {
      this.#writer.write(numbersFrame(frameKinds.windowUpdate, 0, this.#takenBytes));
      this.#takenBytes = 0;
    }
    const request = this.#requests.get(streamId);
    if (request === undefined) return;
    const isEnd = (flags & frameFlags.endStream) !== 0;
    request.takenBytes += bytes;
    if (!isEnd && request.takenBytes > streamWindowBytes / 2) {
      this.#writer.write(numbersFrame(frameKinds.windowUpdate, streamId, request.takenBytes));
      request.takenBytes = 0;
    }
    if (isEnd) this.#finish(streamId);
    request.listener.onData(content, isEnd);
  }

  #takeHeaders(head: FrameHead, payload: Buffer): void {
    this.#requireStream(head.streamId);
    const received = this.#blocks.take(head, payload);
    const request = this.#requests.get(head.streamId);
    if (received === undefined || request === undefined) return;
    if (received.isEnd) this.#finish(head.streamId);
    request.listener.onHeaders(received.headers, received.isEnd);
  }

  #takeReset({ streamId }: FrameHead, payload: Buffer): void {
    requireSize(payload.byteLength === 4);
    this.#requireStream(streamId);
    const request = this.#requests.get(streamId);
    if (request === undefined) return;
    this.#requests.delete(streamId);
    this.#bodies.forget(streamId);
    const isRefused = payload.readUInt32BE(0) === errorCodes.refused;
    request.listener.onLost(
      isRefused
        ? this.#notTaken()
        : connectionFailure("bad_gateway", this.address, "the answer broke off before its end"),
    );
  }

  #takeSettings({ flags }: FrameHead, payload: Buffer): void {
    if ((flags & frameFlags.ack) !== 0) return requireSize(payload.byteLength === 0);
    requireSize(payload.byteLength % 6 === 0);
    for (let at = 0; at < payload.byteLength; at += 6) {
      const id = payload.readUInt16BE(at);
      const value = payload.readUInt32BE(at + 2);
      if (id === settingIds.windowBytes) this.#bodies.setInitialWindow(value);
      if (id === settingIds.streamCountMax) this.#callCountMax = Math.min(value, limits.streamsPerConnectionMax);
    }
    this.#writer.reply(ackFrame(frameKinds.settings, Buffer.alloc(0)));
    if (this.#state.kind !== "dialing") return;
    this.#state = { kind: "up" };
    if (this.#callCount === 0) this.#socket?.unref();
    this.#up.resolve();
  }

  #takePing({ flags }: FrameHead, payload: Buffer): void {
    requireSize(payload.byteLength === 8);
    if ((flags & frameFlags.ack) !== 0) this.#pongs.shift()?.();
    else this.#writer.reply(ackFrame(frameKinds.ping, payload));
  }

  #ping(onPong: () => void): void {
    this.#pongs.push(onPong);
    this.#writer.write(numbersFrame(frameKinds.ping, 0, 0, 0));
  }

  /** The answer is whole. What is left of a request whose answer did not wait for it is not wanted. */
  #finish(streamId: number): void {
    this.#requests.delete(streamId);
    if (this.#bodies.forget(streamId)) {
      this.#writer.write(numbersFrame(frameKinds.reset, streamId, errorCodes.none));
    }
  }

  #requireStream(streamId: number): void {
    if (streamId === 0) throw broken("a frame belongs to no stream");
    this.#requireKnown(streamId);
  }

  /** Only we open streams. */
  #requireKnown(streamId: number): void {
    if (streamId !== 0 && (streamId % 2 === 0 || streamId >= this.#nextId)) {
      throw broken("a frame belongs to a stream that nobody opened");
    }
  }

  async #dial(connect: ConnectBytes, timeoutMs: number): Promise<void> {
    const overdue = connectionFailure("unavailable", this.address, `no connection within ${timeoutMs} ms`, {
      neverSent: true,
    });
    const timer = setTimeout(() => {
      if (this.#state.kind === "dialing") this.#end(overdue);
    }, timeoutMs);
    try {
      const socket = await connect(this.address);
      if (this.#state.kind === "closed") return socket.destroy();
      this.#socket = socket;
      socket.use(this);
      this.#writer.write(Buffer.from(clientPreface));
      this.#writer.write(
        settingsFrame([
          [settingIds.enablePush, 0],
          [settingIds.windowBytes, streamWindowBytes],
          [settingIds.headerBytesMax, headerBytesMax],
        ]),
      );
      this.#writer.write(numbersFrame(frameKinds.windowUpdate, 0, connectionWindowBytes - windowBytesDefault));
      this.#writer.attach(socket);
      await this.ready;
    } catch (reason) {
      this.#end(MicroError.from(reason));
    } finally {
      clearTimeout(timer);
    }
  }

  /** No new calls; those that the peer will not answer were not taken. */
  #drain(lastStreamId: number): void {
    if (this.#state.kind !== "up" && this.#state.kind !== "draining") return;
    const isFirst = this.#state.kind === "up";
    this.#state = { kind: "draining", lastStreamId };
    if (isFirst) this.#onChange(this);
    for (const [streamId, { listener }] of this.#requests) {
      if (streamId <= lastStreamId) continue;
      this.#requests.delete(streamId);
      this.#bodies.forget(streamId);
      listener.onLost(this.#notTaken());
    }
    if (this.#callCount === 0) this.#end(this.#lost());
  }

  #end(reason: MicroError): void {
    if (this.#state.kind === "closed") return;
    const wasDialing = this.#state.kind === "dialing";
    const lastStreamId = this.#state.kind === "draining" ? this.#state.lastStreamId : Number.POSITIVE_INFINITY;
    this.#state = { kind: "closed", lastStreamId, reason };
    this.#writer.detach();
    this.#socket?.destroy();
    this.#socket = undefined;
    this.#onChange(this);
    if (wasDialing) this.#up.reject(reason.neverSent ? reason : this.#lost({ neverSent: true, cause: reason }));
    const left = [...this.#requests.values()];
    this.#requests.clear();
    for (const { listener } of left) listener.onLost(reason);
  }

  #notTaken(): MicroError {
    return connectionFailure("unavailable", this.address, "the call was not taken", { neverSent: true });
  }

  #lost(options: { readonly neverSent?: boolean; readonly cause?: unknown } = {}): MicroError {
    return connectionFailure("unavailable", this.address, "the connection was lost", options);
  }
}

function requireSize(isRight: boolean): void {
  if (!isRight) throw new Http2ProtocolError(errorCodes.frameSize, "a frame is not as long as it should be");
}

function broken(what: string): Http2ProtocolError {
  return new Http2ProtocolError(errorCodes.protocol, what);
}
