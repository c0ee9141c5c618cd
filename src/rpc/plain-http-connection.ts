import { STATUS_CODES } from "node:http";
import type { Connection, ConnectionTable } from "./connection-table.ts";
import { drained } from "./drained.ts";
import { handBack } from "./hand-back.ts";
import { headerValue } from "./header-syntax.ts";
import type { HttpHandler, HttpResponse } from "./http-exchange.ts";
import { readPlainHead } from "./plain-http-head.ts";
import { PlainHttpRequest } from "./plain-http-request.ts";

export interface PlainHttpDeps {
  readonly handler: HttpHandler;
  readonly connections: ConnectionTable;
  /** Takes the connection over with the first request that is not plain; its bytes are back in the socket then. */
  readonly handOver: (connection: Connection) => void;
}

const headEnd = Buffer.from("\r\n\r\n");

/**
 * Answers the plain requests of a connection, one after the other. `node:http` can do this too, with a stream for the
 * request, another one for the answer and a dozen events, which take several times as long as a short call itself.
 */
export class PlainHttpConnection {
  readonly #deps: PlainHttpDeps;
  readonly #connection: Connection;
  #request: PlainHttpRequest | undefined;
  /** What came behind the request that is being answered. */
  #unread: Buffer | undefined;
  #isAnswering = false;

  constructor(connection: Connection, deps: PlainHttpDeps) {
    this.#connection = connection;
    this.#deps = deps;
    connection.socket.on("data", this.#onData);
    connection.socket.once("close", this.#onClose);
  }

  readonly #onData = (chunk: Buffer): void => {
    const rest = this.#request === undefined || this.#request.isWhole ? chunk : this.#request.take(chunk);
    if (rest.byteLength === 0) return this.#next();
    this.#unread = this.#unread === undefined ? rest : Buffer.concat([this.#unread, rest]);
    // Whoever sends the next requests before he has his answer waits with more of them.
    if (this.#isAnswering) this.#connection.socket.pause();
    this.#next();
  };

  readonly #onClose = (): void => {
    this.#request?.leave();
    if (this.#isAnswering) this.#deps.connections.finish(this.#connection);
  };

  /** Begins with the next request, where the one before it is over. */
  #next(): void {
    if (this.#isAnswering || this.#request?.isWhole === false) return;
    const bytes = this.#unread;
    this.#request = undefined;
    if (bytes === undefined) return;
    this.#unread = undefined;
    const end = bytes.indexOf(headEnd);
    const head = end === -1 ? undefined : readPlainHead(bytes.toString("latin1", 0, end));
    if (head === undefined) return this.#handOver(bytes);
    const request = new PlainHttpRequest(head, this.#connection.socket);
    this.#request = request;
    this.#isAnswering = true;
    this.#deps.connections.begin(this.#connection);
    const rest = request.take(bytes.subarray(end + headEnd.byteLength));
    if (rest.byteLength > 0) this.#unread = rest;
    this.#answer(request).catch(() => this.#connection.socket.destroy());
  }

  async #answer(request: PlainHttpRequest): Promise<void> {
    const { socket } = this.#connection;
    const response = await this.#deps.handler(request);
    if (socket.destroyed) return;
    request.drop();
    if (!(response.body instanceof Uint8Array)) await this.#stream(response, response.body);
    else if (!this.#write(response, response.body)) await drained(socket);
    if (socket.destroyed) return;
    this.#isAnswering = false;
    this.#deps.connections.finish(this.#connection);
    // A listener that stops has ended the connection with the answer.
    if (socket.writableEnded) return;
    socket.resume();
    this.#next();
  }

  /** Head and body in one piece: apart they are two packets. False when the peer has to catch up. */
  #write(response: HttpResponse, body: Uint8Array): boolean {
    const head = this.#formatHead(response, `content-length: ${body.byteLength}`);
    const bytes = Buffer.allocUnsafe(head.length + body.byteLength);
    bytes.write(head, "latin1");
    bytes.set(body, head.length);
    return this.#connection.socket.write(bytes);
  }

  async #stream(response: HttpResponse, body: AsyncIterable<Uint8Array>): Promise<void> {
    const { socket } = this.#connection;
    socket.write(this.#formatHead(response, "transfer-encoding: chunked"), "latin1");
    for await (const part of body) {
      if (socket.destroyed) return;
      if (part.byteLength === 0) continue;
      socket.write(`${part.byteLength.toString(16)}\r\n`, "latin1");
      socket.write(part);
      if (!socket.write("\r\n", "latin1")) await drained(socket);
    }
    socket.write("0\r\n\r\n", "latin1");
  }

  /** @throws TypeError for a value that would be more than a value on the wire, which is a fault of the handler. */
  #formatHead({ status, headers }: HttpResponse, framing: string): string {
    let text = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n`;
    for (const name in headers) {
      const value = headers[name] ?? "";
      if (!headerValue.test(value)) throw new TypeError(`${name} of an answer is no value of a header`);
      text += `${name}: ${value}\r\n`;
    }
    if (this.#deps.connections.isDraining) text += "connection: close\r\n";
    return `${text}date: ${new Date().toUTCString()}\r\n${framing}\r\n\r\n`;
  }

  #handOver(bytes: Buffer): void {
    const { socket } = this.#connection;
    socket.off("data", this.#onData);
    socket.off("close", this.#onClose);
    handBack(socket, bytes, () => this.#deps.handOver(this.#connection));
  }
}
