import type { Socket } from "bun";
import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import type { ByteSocket, ByteSocketUser } from "#rpc/byte-socket.ts";
import { fromConnectionFailure } from "#rpc/connection-error.ts";
import { parseSocketAddress } from "#rpc/socket-address.ts";

/** One TCP or unix connection, used by one at a time. */
export class SocketConnection implements ByteSocket {
  readonly address: string;
  /** Told when an idle connection ends. */
  readonly #onIdleClose: (connection: SocketConnection) => void;
  #socket: Socket<undefined> | undefined;
  #user: ByteSocketUser | undefined;
  #isClosed = false;
  #sentBytes = 0;
  #unsent: Uint8Array[] = [];
  #idleSinceMs = 0;

  private constructor(address: string, onIdleClose: (connection: SocketConnection) => void) {
    this.address = address;
    this.#onIdleClose = onIdleClose;
  }

  /** @throws MicroError `unavailable` with `neverSent` when no connection comes to stand. */
  static async open(address: string, onIdleClose: (connection: SocketConnection) => void): Promise<SocketConnection> {
    const connection = new SocketConnection(address, onIdleClose);
    await connection.#connect();
    return connection;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Since when nobody uses it, in milliseconds since the epoch. */
  get idleSinceMs(): number {
    return this.#idleSinceMs;
  }

  /** Bytes of the present exchange that the system has taken. */
  get sentBytes(): number {
    return this.#sentBytes;
  }

  /** A new exchange begins. */
  use(user: ByteSocketUser): void {
    this.#user = user;
    this.#sentBytes = 0;
    this.#socket?.ref();
  }

  /** The exchange is over and the connection clean. An idle connection does not keep the process alive. */
  rest(): void {
    this.#user = undefined;
    this.#idleSinceMs = Date.now();
    this.#socket?.unref();
  }

  /** Sends bytes; false when some wait for the peer, then `drained` follows. The bytes must not be written to afterwards. */
  write(bytes: Uint8Array): boolean {
    if (this.#unsent.length > 0) {
      this.#unsent.push(bytes);
      return false;
    }
    const taken = Math.max(0, this.#socket?.write(bytes) ?? 0);
    this.#sentBytes += taken;
    if (taken === bytes.byteLength) return true;
    this.#unsent.push(bytes.subarray(taken));
    return false;
  }

  ref(): void {
    this.#socket?.ref();
  }

  unref(): void {
    this.#socket?.unref();
  }

  /** The reader is slow: the peer is held back. */
  pause(): void {
    this.#socket?.pause();
  }

  resume(): void {
    this.#socket?.resume();
  }

  /** Ends the connection without ceremony; its user hears nothing more. */
  destroy(): void {
    this.#user = undefined;
    this.#unsent = [];
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#socket?.terminate();
  }

  async #connect(): Promise<void> {
    const target = parseSocketAddress(this.address);
    const timeoutMs = limits.dialTimeoutMs;
    let timer: Timer | undefined;
    const overdue = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(noConnection(this.address, timeoutMs)), timeoutMs);
    });
    try {
      const socket = this.#handlers();
      const dialing =
        target.kind === "unix"
          ? Bun.connect<undefined>({ unix: target.path, socket, data: undefined })
          : Bun.connect<undefined>({ hostname: target.host, port: target.port, socket, data: undefined });
      // A connection that comes after the limit is not wanted any more.
      dialing.then(
        (late) => (this.#isClosed ? late.terminate() : undefined),
        () => undefined,
      );
      this.#socket = await Promise.race([dialing, overdue]);
      this.#socket.setNoDelay(true);
    } catch (reason) {
      this.#isClosed = true;
      throw MicroError.is(reason) ? reason : fromConnectionFailure(this.address, reason, false);
    } finally {
      clearTimeout(timer);
    }
  }

  #handlers(): Bun.SocketHandler<undefined> {
    let cause: unknown;
    return {
      data: (_socket, bytes) => this.#receive(bytes),
      drain: () => this.#flush(),
      // The peer has closed its side: it will send no more, and an answer without a length is complete.
      end: () => this.#close(cause),
      error: (_socket, error) => {
        cause = error;
      },
      close: (_socket, error) => this.#close(error ?? cause),
    };
  }

  #receive(bytes: Buffer): void {
    if (this.#user !== undefined) this.#user.onData(bytes);
    // Nobody asked: whatever it is, the connection is no longer clean.
    else this.#close(undefined);
  }

  #flush(): void {
    while (this.#unsent.length > 0) {
      const [next] = this.#unsent;
      if (next === undefined) break;
      const taken = Math.max(0, this.#socket?.write(next) ?? 0);
      this.#sentBytes += taken;
      if (taken < next.byteLength) {
        this.#unsent[0] = next.subarray(taken);
        return;
      }
      this.#unsent.shift();
    }
    this.#user?.onDrain();
  }

  #close(cause: unknown): void {
    if (this.#isClosed) return;
    const user = this.#user;
    this.destroy();
    if (user === undefined) this.#onIdleClose(this);
    else user.onClose(cause);
  }
}

function noConnection(address: string, timeoutMs: number): MicroError {
  return new MicroError("unavailable", `${address}: no connection within ${timeoutMs} ms`, { neverSent: true });
}
