import { MicroError } from "#base/error.ts";
import { headerName, headerValue } from "#rpc/header-syntax.ts";

/** A request, a POST unless it says otherwise. */
export interface Http1Request {
  readonly method?: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

const pathPattern = /^\/[\u0021-\u007e]*$/;
const methodPattern = /^(?!HEAD$|CONNECT$)[A-Z]+$/;

/** Names and paths that are kept: more than an installation has, little enough that inventing them fills no memory. */
const keptCountMax = 1_024;
/** Values that are kept as bytes: tokens, which come with one call after the other. */
const longValueMin = 256;
const longValueMax = 4_096;

/** A header as its bytes. */
interface KeptLine {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/**
 * Writes requests as they go on the wire. What was checked before is known by name, so that a call does not pay for what the
 * last one paid for.
 */
export class Http1RequestWriter {
  /** By path, the first line of a POST. */
  readonly #lines = new Map<string, string>();
  /** By name, what its headers begin with. */
  readonly #names = new Map<string, string>();
  readonly #longValues = new Map<string, KeptLine>();

  /** A request whose body is all there, in one piece. @throws MicroError as {@link writeHead} does. */
  write(request: Http1Request, address: string, body: Uint8Array): Buffer {
    return this.#compose(request, { address, framing: `content-length: ${body.byteLength}` }, body);
  }

  /**
   * The head of a request whose body is sent in chunks.
   *
   * @throws MicroError `invalid_argument` for a path, method or header that would not be one on the wire.
   */
  writeHead(request: Http1Request, address: string): Buffer {
    return this.#compose(request, { address, framing: "transfer-encoding: chunked" }, noBytes);
  }

  #compose(
    { method = "POST", path, headers }: Http1Request,
    { address, framing }: { readonly address: string; readonly framing: string },
    body: Uint8Array,
  ): Buffer {
    const line = method === "POST" ? this.#lines.get(path) : undefined;
    let text = line ?? this.#keepLine(method, path);
    text += `host: ${address.startsWith("unix:") ? "localhost" : address}\r\n`;
    let kept: Uint8Array = noBytes;
    for (const name in headers) {
      const value = headers[name] ?? "";
      const known = value.length < longValueMin ? undefined : this.#longValues.get(value);
      // One such header is the token; more are not worth more code.
      if (known?.name === name && kept === noBytes) kept = known.bytes;
      else text += this.#format(name, value);
    }
    text += framing;
    // Every character is a byte: whatever passes the patterns is below 0x100.
    const textEnd = text.length + 2;
    const headEnd = textEnd + kept.byteLength + 2;
    const bytes = Buffer.allocUnsafe(headEnd + body.byteLength);
    bytes.write(`${text}\r\n`, "latin1");
    bytes.set(kept, textEnd);
    bytes[headEnd - 2] = 0x0d;
    bytes[headEnd - 1] = 0x0a;
    bytes.set(body, headEnd);
    return bytes;
  }

  #keepLine(method: string, path: string): string {
    if (!pathPattern.test(path)) {
      throw new MicroError("invalid_argument", `"${path.slice(0, 100)}" cannot be sent as a path`);
    }
    if (!methodPattern.test(method)) {
      throw new MicroError("invalid_argument", `"${method.slice(0, 40)}" cannot be sent as a method`);
    }
    const line = `${method} ${path} HTTP/1.1\r\n`;
    if (method === "POST") keep(this.#lines, path, line);
    return line;
  }

  #format(name: string, value: string): string {
    const start = this.#names.get(name) ?? this.#keepName(name);
    if (!headerValue.test(value)) throw unsendable(name);
    const line = `${start}${value}\r\n`;
    if (value.length >= longValueMin && value.length <= longValueMax) {
      keep(this.#longValues, value, { name, bytes: Buffer.from(line, "latin1") });
    }
    return line;
  }

  #keepName(name: string): string {
    if (!headerName.test(name)) throw unsendable(name);
    const start = `${name}: `;
    keep(this.#names, name, start);
    return start;
  }
}

const noBytes = new Uint8Array(0);

function keep<T>(map: Map<string, T>, key: string, value: T): void {
  if (map.size >= keptCountMax) map.clear();
  map.set(key, value);
}

function unsendable(name: string): MicroError {
  return new MicroError("invalid_argument", `the metadata "${name.slice(0, 100)}" cannot be sent as a header`);
}
