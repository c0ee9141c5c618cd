import { MicroError } from "#base/error.ts";

/** A request, a POST unless it says otherwise. */
export interface Http1Request {
  readonly method?: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

const namePattern = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** What a header's value may hold: printable ASCII, tabs, and bytes above, as RFC 9110 section 5.5 allows. */
const valuePattern = /^[\t\u0020-\u007e\u0080-\u00ff]*$/;
const pathPattern = /^\/[\u0021-\u007e]*$/;
const methodPattern = /^(?!HEAD$|CONNECT$)[A-Z]+$/;

/** A request whose body is all there, as it goes on the wire. @throws MicroError as {@link formatRequestHead} does. */
export function formatRequest(request: Http1Request, address: string, body: Uint8Array): Buffer {
  const head = `${formatHead(request, address)}content-length: ${body.byteLength}\r\n\r\n`;
  const bytes = Buffer.allocUnsafe(head.length + body.byteLength);
  bytes.write(head, "latin1");
  bytes.set(body, head.length);
  return bytes;
}

/**
 * The head of a request whose body is sent in chunks.
 *
 * @throws MicroError `invalid_argument` for a path, method or header that would not be one on the wire.
 */
export function formatRequestHead(request: Http1Request, address: string): Buffer {
  return Buffer.from(`${formatHead(request, address)}transfer-encoding: chunked\r\n\r\n`, "latin1");
}

/** All that comes before the framing. Every character is a byte: whatever passes the patterns is below 0x100. */
function formatHead({ method = "POST", path, headers }: Http1Request, address: string): string {
  if (!pathPattern.test(path)) {
    throw new MicroError("invalid_argument", `"${path.slice(0, 100)}" cannot be sent as a path`);
  }
  if (!methodPattern.test(method)) {
    throw new MicroError("invalid_argument", `"${method.slice(0, 40)}" cannot be sent as a method`);
  }
  let text = `${method} ${path} HTTP/1.1\r\nhost: ${address.startsWith("unix:") ? "localhost" : address}\r\n`;
  for (const name in headers) {
    const value = headers[name] ?? "";
    if (!namePattern.test(name) || !valuePattern.test(value)) {
      throw new MicroError("invalid_argument", `the metadata "${name.slice(0, 100)}" cannot be sent as a header`);
    }
    text += `${name}: ${value}\r\n`;
  }
  return text;
}
