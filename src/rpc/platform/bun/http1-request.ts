import { MicroError } from "#base/error.ts";

/** What a header's value may hold: printable ASCII, tabs, and bytes above, as RFC 9110 section 5.5 allows. */
const valuePattern = /^[\t\u0020-\u007e\u0080-\u00ff]*$/;
const namePattern = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/**
 * The head of a request, a POST unless it says otherwise. Without `bodyBytes` the body is sent in chunks.
 *
 * @throws MicroError `invalid_argument` for a path or header that would not be one on the wire.
 */
export function formatRequestHead(
  send: { readonly method?: string; readonly path: string; readonly headers: Readonly<Record<string, string>> },
  target: { readonly address: string; readonly bodyBytes?: number },
): Buffer {
  if (!/^\/[\u0021-\u007e]*$/.test(send.path)) {
    throw new MicroError("invalid_argument", `"${send.path.slice(0, 100)}" cannot be sent as a path`);
  }
  const host = target.address.startsWith("unix:") ? "localhost" : target.address;
  const { method = "POST" } = send;
  if (!/^[A-Z]+$/.test(method) || method === "HEAD" || method === "CONNECT") {
    throw new MicroError("invalid_argument", `"${method.slice(0, 40)}" cannot be sent as a method`);
  }
  let text = `${method} ${send.path} HTTP/1.1\r\nhost: ${host}\r\n`;
  for (const [name, value] of Object.entries(send.headers)) {
    if (!namePattern.test(name) || !valuePattern.test(value)) {
      throw new MicroError("invalid_argument", `the metadata "${name.slice(0, 100)}" cannot be sent as a header`);
    }
    text += `${name}: ${value}\r\n`;
  }
  text +=
    target.bodyBytes === undefined
      ? "transfer-encoding: chunked\r\n\r\n"
      : `content-length: ${target.bodyBytes}\r\n\r\n`;
  return Buffer.from(text, "latin1");
}
