import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import { Http1Head, malformed } from "./http1-head.ts";

/** Hears of an answer as it is read. */
export interface Http1AnswerListener {
  /** The head is there: the status is final. */
  onHead(head: Http1Head): void;
  /** A part of the body, never empty; a view of the bytes that were pushed. */
  onBody(part: Uint8Array): void;
  /** The answer is complete. @param canReuse whether the connection may carry another exchange. */
  onComplete(canReuse: boolean): void;
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
const beforeHead: State = Object.freeze({ kind: "head", pending: Buffer.alloc(0) });
const done: State = Object.freeze({ kind: "done" });

/**
 * Reads one HTTP/1.1 answer to a POST from bytes as they arrive. Interim answers (1xx) are passed over.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9112
 */
export class Http1ResponseParser {
  readonly #listener: Http1AnswerListener;
  #state: State = beforeHead;
  #canReuse = true;
  #trailerBytes = 0;

  constructor(listener: Http1AnswerListener) {
    this.#listener = listener;
  }

  /** @throws MicroError `bad_gateway` for bytes that are no HTTP/1.1 answer. */
  push(bytes: Buffer): void {
    let at = 0;
    while (at < bytes.byteLength && this.#state.kind !== "done") at = this.#step(this.#state, bytes, at);
    // What follows a whole answer was not asked for: nobody can say what the next answer on the connection would be.
    if (this.#state.kind === "done") this.#listener.onComplete(this.#canReuse && at === bytes.byteLength);
  }

  /** The connection ended. @throws MicroError `bad_gateway` in the middle of an answer. */
  finish(): void {
    if (this.#state.kind === "done") return;
    if (this.#state.kind !== "until_close") throw new MicroError("bad_gateway", "the answer broke off before its end");
    this.#state = done;
    this.#listener.onComplete(false);
  }

  /** Takes what the state can use of the bytes from `at` on; returns where the rest begins. */
  #step(state: Exclude<State, { kind: "done" }>, bytes: Buffer, at: number): number {
    switch (state.kind) {
      case "head":
        return this.#readHead(state.pending, bytes, at);
      case "fixed":
      case "chunk":
        return this.#readPart(state, bytes, at);
      case "chunk_end":
        return this.#readChunkEnd(state, bytes, at);
      case "chunk_size":
      case "trailers":
        return this.#readLine(state, bytes, at);
      case "until_close":
        this.#listener.onBody(bytes.subarray(at));
        return bytes.byteLength;
    }
    // Every kind of state is named above; the linter asks for a last word all the same.
    return state satisfies never;
  }

  #readHead(pending: Buffer, bytes: Buffer, at: number): number {
    const isFirst = pending.byteLength === 0 && at === 0;
    const all = isFirst ? bytes : Buffer.concat([pending, bytes.subarray(at)]);
    const end = all.indexOf(headEnd);
    if (end === -1 || end > limits.headerBytesMax) {
      if (all.byteLength > limits.headerBytesMax) throw malformed("its headers are too long");
      this.#state = { kind: "head", pending: all };
      return bytes.byteLength;
    }
    const head = new Http1Head(all.toString("latin1", 0, end));
    if (!head.keepsConnection) this.#canReuse = false;
    if (head.status < 200) this.#state = beforeHead;
    else this.#startBody(head);
    return at + end + headEnd.byteLength - pending.byteLength;
  }

  #startBody(head: Http1Head): void {
    const { "transfer-encoding": transfer, "content-length": length } = head.framing;
    this.#listener.onHead(head);
    if (transfer !== undefined) {
      if (transfer.toLowerCase() !== "chunked") throw malformed(`its transfer encoding is ${transfer.slice(0, 40)}`);
      // Both at once is how answers are smuggled: read as the standard says, then never trusted again.
      if (length !== undefined) this.#canReuse = false;
      this.#state = { kind: "chunk_size", line: "" };
    } else if (length !== undefined) {
      if (!/^\d{1,15}$/.test(length)) throw malformed("its length is not a number");
      const leftBytes = Number(length);
      this.#state = leftBytes === 0 ? done : { kind: "fixed", leftBytes };
    } else if (head.status === 204 || head.status === 304) this.#state = done;
    else {
      this.#canReuse = false;
      this.#state = { kind: "until_close" };
    }
  }

  #readPart(state: { readonly kind: "fixed" | "chunk"; leftBytes: number }, bytes: Buffer, at: number): number {
    const part = bytes.subarray(at, at + state.leftBytes);
    state.leftBytes -= part.byteLength;
    this.#listener.onBody(part);
    if (state.leftBytes === 0) this.#state = state.kind === "fixed" ? done : { kind: "chunk_end", leftBytes: 2 };
    return at + part.byteLength;
  }

  #readChunkEnd(state: { leftBytes: number }, bytes: Buffer, at: number): number {
    const end = Math.min(at + state.leftBytes, bytes.byteLength);
    const expected = "\r\n".slice(2 - state.leftBytes);
    if (!expected.startsWith(bytes.toString("latin1", at, end))) throw malformed("a chunk has no end");
    state.leftBytes -= end - at;
    if (state.leftBytes === 0) this.#state = { kind: "chunk_size", line: "" };
    return end;
  }

  /** Gathers a line, which may come in pieces. */
  #readLine(
    state: { readonly kind: "chunk_size" | "trailers"; readonly line: string },
    bytes: Buffer,
    at: number,
  ): number {
    const newline = bytes.indexOf(0x0a, at);
    const end = newline === -1 ? bytes.byteLength : newline;
    const line = state.line + bytes.toString("latin1", at, end);
    if (line.length > (state.kind === "trailers" ? limits.headerBytesMax : lineBytesMax))
      throw malformed("a line is too long");
    if (newline === -1) {
      this.#state = { kind: state.kind, line };
      return end;
    }
    if (!line.endsWith("\r")) throw malformed("a line has no end");
    if (state.kind === "trailers") this.#readTrailer(line.slice(0, -1));
    else this.#startChunk(line.slice(0, -1));
    return end + 1;
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
    this.#state = line === "" ? done : { kind: "trailers", line: "" };
  }
}
