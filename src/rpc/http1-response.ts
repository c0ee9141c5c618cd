import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";

export interface Http1Head {
  readonly status: number;
  /** By lower-case name; several of one name are joined with ", ". */
  readonly headers: ReadonlyMap<string, string>;
}

export interface Http1ResponseEvents {
  head(head: Http1Head): void;
  /** A part of the body, never empty; a view of the bytes that were pushed. */
  body(part: Uint8Array): void;
  /** The answer is complete. @param canReuse whether the connection may carry another exchange. */
  end(canReuse: boolean): void;
}

type State =
  | { readonly kind: "head"; readonly pending: Buffer }
  | { readonly kind: "fixed"; leftBytes: number }
  | { readonly kind: "until_close" }
  | { readonly kind: "chunk_size"; readonly line: string }
  | { readonly kind: "chunk"; leftBytes: number }
  | { readonly kind: "chunk_end"; leftBytes: number }
  | { readonly kind: "trailers"; readonly line: string }
  | { readonly kind: "done" };

const lineBytesMax = 256;
const headEnd = Buffer.from("\r\n\r\n");

/**
 * Reads one HTTP/1.1 answer to a POST from bytes as they arrive. Interim answers (1xx) are passed over.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9112
 */
export class Http1ResponseParser {
  readonly #events: Http1ResponseEvents;
  #state: State = { kind: "head", pending: Buffer.alloc(0) };
  #canReuse = true;
  #trailerBytes = 0;

  constructor(events: Http1ResponseEvents) {
    this.#events = events;
  }

  /** @throws MicroError `bad_gateway` for bytes that are no HTTP/1.1 answer. */
  push(bytes: Buffer): void {
    let rest = bytes;
    while (rest.byteLength > 0 && this.#state.kind !== "done") rest = this.#step(this.#state, rest);
    // What follows a whole answer was not asked for: nobody can say what the next answer on the connection would be.
    if (this.#state.kind === "done") this.#events.end(this.#canReuse && rest.byteLength === 0);
  }

  /** The connection ended. @throws MicroError `bad_gateway` in the middle of an answer. */
  finish(): void {
    if (this.#state.kind === "done") return;
    if (this.#state.kind !== "until_close") throw new MicroError("bad_gateway", "the answer broke off before its end");
    this.#state = { kind: "done" };
    this.#events.end(false);
  }

  /** Takes what the state can use of the bytes; returns the rest. */
  #step(state: Exclude<State, { kind: "done" }>, bytes: Buffer): Buffer {
    switch (state.kind) {
      case "head":
        return this.#readHead(state.pending, bytes);
      case "fixed":
      case "chunk":
        return this.#readPart(state, bytes);
      case "chunk_end":
        return this.#readChunkEnd(state, bytes);
      case "chunk_size":
        return this.#readLine(state, bytes, (line) => this.#startChunk(line));
      case "trailers":
        return this.#readLine(state, bytes, (line) => this.#readTrailer(line));
      case "until_close":
        return this.#readToClose(bytes);
    }
    // Every kind of state is named above; the linter asks for a last word all the same.
    return state satisfies never;
  }

  #readToClose(bytes: Buffer): Buffer {
    this.#events.body(bytes);
    return bytes.subarray(bytes.byteLength);
  }

  #readPart(state: { readonly kind: "fixed" | "chunk"; leftBytes: number }, bytes: Buffer): Buffer {
    const part = bytes.subarray(0, state.leftBytes);
    state.leftBytes -= part.byteLength;
    this.#events.body(part);
    if (state.leftBytes === 0 && state.kind === "fixed") this.#end();
    else if (state.leftBytes === 0) this.#state = { kind: "chunk_end", leftBytes: 2 };
    return bytes.subarray(part.byteLength);
  }

  #readChunkEnd(state: { leftBytes: number }, bytes: Buffer): Buffer {
    const taken = Math.min(state.leftBytes, bytes.byteLength);
    const expected = "\r\n".slice(2 - state.leftBytes);
    if (!expected.startsWith(bytes.toString("latin1", 0, taken))) throw malformed("a chunk has no end");
    state.leftBytes -= taken;
    if (state.leftBytes === 0) this.#state = { kind: "chunk_size", line: "" };
    return bytes.subarray(taken);
  }

  #readHead(pending: Buffer, bytes: Buffer): Buffer {
    const all = pending.byteLength === 0 ? bytes : Buffer.concat([pending, bytes]);
    const end = all.indexOf(headEnd);
    if (end === -1 || end > limits.headerBytesMax) {
      if (all.byteLength > limits.headerBytesMax) throw malformed("its headers are too long");
      this.#state = { kind: "head", pending: all };
      return all.subarray(all.byteLength);
    }
    const head = this.#parseHead(all.toString("latin1", 0, end));
    const rest = all.subarray(end + headEnd.byteLength);
    if (head.status < 200) this.#state = { kind: "head", pending: Buffer.alloc(0) };
    else this.#startBody(head);
    return rest;
  }

  #parseHead(text: string): Http1Head {
    const [statusLine = "", ...lines] = text.split("\r\n");
    const [, minor, status] = /^HTTP\/1\.([01]) (\d{3})(?: |$)/.exec(statusLine) ?? [];
    if (status === undefined) throw malformed("it does not begin with a status of HTTP/1.1");
    const headers = new Map<string, string>();
    for (const line of lines) {
      const colon = line.indexOf(":");
      if (colon <= 0) throw malformed("a header has no name");
      const name = line.slice(0, colon).toLowerCase();
      const value = line.slice(colon + 1).trim();
      const before = headers.get(name);
      headers.set(name, before === undefined ? value : `${before}, ${value}`);
    }
    if (minor === "0" || /\bclose\b/i.test(headers.get("connection") ?? "")) this.#canReuse = false;
    return { status: Number(status), headers };
  }

  #startBody(head: Http1Head): void {
    const transfer = head.headers.get("transfer-encoding");
    const length = head.headers.get("content-length");
    this.#events.head(head);
    if (transfer !== undefined) {
      if (transfer.toLowerCase() !== "chunked") throw malformed(`its transfer encoding is ${transfer.slice(0, 40)}`);
      // Both at once is how answers are smuggled: read as the standard says, then never trusted again.
      if (length !== undefined) this.#canReuse = false;
      this.#state = { kind: "chunk_size", line: "" };
    } else if (length !== undefined) {
      if (!/^\d{1,15}$/.test(length)) throw malformed("its length is not a number");
      this.#startFixed(Number(length));
    } else if (head.status === 204 || head.status === 304) this.#end();
    else {
      this.#canReuse = false;
      this.#state = { kind: "until_close" };
    }
  }

  #startFixed(bytes: number): void {
    if (bytes === 0) this.#end();
    else this.#state = { kind: "fixed", leftBytes: bytes };
  }

  #startChunk(line: string): void {
    const [, size] = /^([0-9A-Fa-f]{1,12})[ \t]*(?:;.*)?$/.exec(line) ?? [];
    if (size === undefined) throw malformed("a chunk has no length");
    const leftBytes = Number.parseInt(size, 16);
    this.#state = leftBytes === 0 ? { kind: "trailers", line: "" } : { kind: "chunk", leftBytes };
  }

  #readTrailer(line: string): void {
    this.#trailerBytes += line.length;
    if (this.#trailerBytes > limits.headerBytesMax) throw malformed("its trailers are too long");
    if (line === "") this.#end();
    else this.#state = { kind: "trailers", line: "" };
  }

  /** Gathers a line, which may come in pieces; what follows it is returned. */
  #readLine(
    state: { readonly kind: "chunk_size" | "trailers"; readonly line: string },
    bytes: Buffer,
    use: (line: string) => void,
  ): Buffer {
    const newline = bytes.indexOf(0x0a);
    const line = state.line + bytes.toString("latin1", 0, newline === -1 ? bytes.byteLength : newline);
    if (line.length > (state.kind === "trailers" ? limits.headerBytesMax : lineBytesMax))
      throw malformed("a line is too long");
    if (newline === -1) {
      this.#state = { kind: state.kind, line };
      return bytes.subarray(bytes.byteLength);
    }
    if (!line.endsWith("\r")) throw malformed("a line has no end");
    use(line.slice(0, -1));
    return bytes.subarray(newline + 1);
  }

  #end(): void {
    this.#state = { kind: "done" };
  }
}

function malformed(what: string): MicroError {
  return new MicroError("bad_gateway", `the answer is not HTTP/1.1: ${what}`);
}
