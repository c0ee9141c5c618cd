import { AsyncQueue } from "#base/async-queue.ts";
import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import { callerLeft, type IncomingCall } from "#rpc/incoming-call.ts";
import type { RpcMethod } from "#rpc/method.ts";

/** What a call needs of its WebSocket. */
export interface CallSocket {
  /** Bytes that were taken, -1 when they wait for a slow reader, 0 when they were dropped. */
  sendText(text: string): number;
  close(code: number, reason: string): void;
}

export interface SocketCallDeps {
  readonly method: RpcMethod;
  readonly call: IncomingCall;
  /** The first message, where the URL says it. */
  readonly first: Uint8Array | undefined;
  /** Hears of a failure before the caller does. */
  readonly onError: (error: MicroError) => void;
}

/** Close codes, https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1 */
const closeCodes = {
  normal: 1_000,
  goingAway: 1_001,
  policy: 1_008,
  tooLarge: 1_009,
  internal: 1_011,
  overload: 1_013,
};

/**
 * One streaming call over a WebSocket: each text message is one message of the call in JSON, in both directions. When the
 * service ends the stream the socket is closed with 1000; a failure is the message `{"error": {…}}` and then the close.
 */
export class SocketCall {
  readonly #deps: SocketCallDeps;
  readonly #incoming = new AsyncQueue<Uint8Array>(limits.socketQueueCountMax);
  readonly #encoder = new TextEncoder();
  readonly #decoder = new TextDecoder();
  /** Bytes of the messages in `#incoming`. */
  #waitingBytes = 0;
  #drained: (() => void) | undefined;
  #isOver = false;

  constructor(deps: SocketCallDeps) {
    this.#deps = deps;
    if (deps.first !== undefined) this.#push(deps.first);
  }

  /** Runs the call until one side leaves. */
  async run(socket: CallSocket): Promise<void> {
    const { method, call } = this.#deps;
    try {
      for await (const message of method.stream(this.#requests(), call)) {
        if (this.#isOver) return;
        if (socket.sendText(this.#decoder.decode(message)) === -1) await this.#drain();
      }
      this.#finish(socket, closeCodes.normal, "");
    } catch (reason) {
      this.#fail(socket, MicroError.from(reason));
    }
  }

  /** A message of the caller. */
  take(socket: CallSocket, message: string | Uint8Array): void {
    if (this.#isOver) return;
    const bytes = typeof message === "string" ? this.#encoder.encode(message) : message;
    if (this.#push(bytes)) return;
    const detail = "messages come faster than the service takes them";
    this.#fail(socket, new MicroError("too_many_requests", detail));
  }

  /** What waited for the caller has left. */
  drained(): void {
    const resolve = this.#drained;
    this.#drained = undefined;
    resolve?.();
  }

  /** The caller is gone. */
  left(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#deps.call.abort(callerLeft());
    this.#incoming.close();
    this.drained();
  }

  /** The server stops. */
  end(socket: CallSocket): void {
    this.#finish(socket, closeCodes.goingAway, "the server stops");
    this.#deps.call.abort(new MicroError("unavailable", "the server stops"));
  }

  /** False when no more may wait. One message may always, as large as it is. */
  #push(bytes: Uint8Array): boolean {
    const waiting = this.#waitingBytes + bytes.byteLength;
    if (this.#incoming.size > 0 && waiting > limits.messageBytesMax) return false;
    if (!this.#incoming.push(bytes)) return false;
    this.#waitingBytes = waiting;
    return true;
  }

  async *#requests(): AsyncGenerator<Uint8Array> {
    for await (const bytes of this.#incoming) {
      this.#waitingBytes -= bytes.byteLength;
      yield bytes;
    }
  }

  #fail(socket: CallSocket, error: MicroError): void {
    if (this.#isOver) return;
    this.#deps.onError(error);
    socket.sendText(JSON.stringify({ error: error.toBody("gateway") }));
    this.#finish(socket, closeCodeOf(error), reasonOf(error));
    this.#deps.call.abort(error);
  }

  #finish(socket: CallSocket, code: number, reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#incoming.close();
    this.drained();
    socket.close(code, reason);
  }

  #drain(): Promise<void> {
    return new Promise((resolve) => {
      this.#drained = resolve;
    });
  }
}

function closeCodeOf(error: MicroError): number {
  switch (error.code) {
    case "payload_too_large":
      return closeCodes.tooLarge;
    case "too_many_requests":
    case "unavailable":
      return closeCodes.overload;
    case "internal":
    case "bad_gateway":
    case "timeout":
      return closeCodes.internal;
    default:
      return closeCodes.policy;
  }
}

/** A close frame takes 123 bytes of reason; the whole text was sent as a message. */
function reasonOf(error: MicroError): string {
  const reason = error.detail.replaceAll(/[^\x20-\x7e]/g, "?");
  return reason.length <= 120 ? reason : `${reason.slice(0, 119)}~`;
}
