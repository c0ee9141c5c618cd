import type { Socket } from "node:net";
import { MicroError } from "#base/error.ts";
import { KiB, limits } from "#base/limits.ts";
import type { Metadata } from "#base/metadata.ts";
import type { HttpRequest } from "./http-exchange.ts";
import { tooLarge } from "./node-stream.ts";
import { formatPeer } from "./peer-address.ts";
import type { PlainHead } from "./plain-http-head.ts";

/** What is kept of a body before anybody asks for it. */
const unaskedBytesMax = 64 * KiB;

interface Reader {
  readonly resolve: (body: Uint8Array) => void;
  readonly reject: (reason: MicroError) => void;
  readonly timer: ReturnType<typeof setTimeout>;
}

/** A plain request, whose body may still be on its way. */
export class PlainHttpRequest implements HttpRequest {
  readonly method = "POST";
  readonly target: string;
  readonly #headers: Metadata;
  readonly #socket: Socket;
  #missingBytes: number;
  #parts: Buffer[] = [];
  #keptBytes = 0;
  #isKept = true;
  #reader: Reader | undefined;
  #controller: AbortController | undefined;
  #hasLeft = false;

  constructor({ target, headers, bodyBytes }: PlainHead, socket: Socket) {
    this.target = target;
    this.#headers = headers;
    this.#missingBytes = bodyBytes;
    this.#socket = socket;
  }

  /** Takes what belongs to the body; returns what is behind it. */
  take(bytes: Buffer): Buffer {
    const part = bytes.subarray(0, this.#missingBytes);
    this.#missingBytes -= part.byteLength;
    if (this.#isKept && part.byteLength > 0) this.#keep(part);
    if (this.isWhole) this.#finish();
    return bytes.subarray(part.byteLength);
  }

  /** True when all of the body has come. */
  get isWhole(): boolean {
    return this.#missingBytes === 0;
  }

  /** It is answered: what still comes of the body is for nobody. */
  drop(): void {
    this.#isKept = false;
    this.#parts = [];
    this.#fail(answeredEarly);
    this.#socket.resume();
  }

  /** The connection is gone. */
  leave(): void {
    this.#hasLeft = true;
    this.#fail(brokeOff);
    this.#controller?.abort();
  }

  header(name: string): string | undefined {
    return this.#headers[name];
  }

  metadata(): Metadata {
    return this.#headers;
  }

  get peer(): string {
    return formatPeer(this.#socket);
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#hasLeft) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  get body(): AsyncIterable<Uint8Array> {
    return once(() => this.readBody(limits.messageBytesMax));
  }

  readBody(bytesMax: number): Promise<Uint8Array> {
    if (this.#missingBytes + this.#keptBytes > bytesMax) return Promise.reject(tooLarge(bytesMax));
    if (this.isWhole) return Promise.resolve(this.#join());
    if (this.#hasLeft) return Promise.reject(brokeOff());
    this.#socket.resume();
    return new Promise((resolve, reject) => {
      const seconds = limits.requestTimeoutMs / 1_000;
      const late = (): void =>
        this.#fail(() => new MicroError("timeout", `the body did not arrive within ${seconds} s`));
      this.#reader = { resolve, reject, timer: setTimeout(late, limits.requestTimeoutMs) };
    });
  }

  #keep(part: Buffer): void {
    this.#parts.push(part);
    this.#keptBytes += part.byteLength;
    if (this.#reader === undefined && this.#keptBytes > unaskedBytesMax) this.#socket.pause();
  }

  #finish(): void {
    this.#takeReader()?.resolve(this.#join());
  }

  /** The reason is made for those who wait, because an error costs a stack. */
  #fail(makeReason: () => MicroError): void {
    this.#takeReader()?.reject(makeReason());
  }

  #takeReader(): Reader | undefined {
    const reader = this.#reader;
    this.#reader = undefined;
    clearTimeout(reader?.timer);
    return reader;
  }

  #join(): Uint8Array {
    const [first] = this.#parts;
    return this.#parts.length === 1 && first !== undefined ? first : Buffer.concat(this.#parts);
  }
}

function brokeOff(): MicroError {
  return new MicroError("cancelled", "the request broke off");
}

function answeredEarly(): MicroError {
  return new MicroError("cancelled", "the request was answered before its end");
}

async function* once(read: () => Promise<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield await read();
}
