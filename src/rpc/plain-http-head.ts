import { limits, MiB } from "#base/limits.ts";
import type { Metadata } from "#base/metadata.ts";

/** The head of a request that is as simple as those of our own callers. */
export interface PlainHead {
  readonly target: string;
  /** Keys lower-case. */
  readonly headers: Metadata;
  readonly bodyBytes: number;
}

/** Larger bodies come in their own time, which is for a server that reads them as a stream. */
const bodyBytesMax = 4 * MiB;

/**
 * A POST for a path, with headers whose names are tokens and whose values are printable ASCII: RFC 9112 without any of its
 * leniencies. No text can be read in two ways, so that it takes a time that grows with its length and no faster.
 */
const strictHead = /^POST \/[!-~]* HTTP\/1\.1(?:\r\n[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e]*)+$/;

/** Bodies that are one message; what else there is comes as a stream, or is not spoken. */
const plainTypes: ReadonlySet<string> = new Set(["application/json", "application/proto"]);

/** Headers that change how the connection or the body is read: a request with one of them is not plain. */
const framingNames: ReadonlySet<string> = new Set([
  "connection",
  "expect",
  "http2-settings",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/**
 * Reads a head, without the empty line at its end. Undefined for one that is not plain, in whatever way: it is for a server
 * that knows all of HTTP/1.1, and refuses what is none.
 */
export function readPlainHead(text: string): PlainHead | undefined {
  if (text.length > limits.headerBytesMax || !strictHead.test(text)) return undefined;
  const firstEnd = text.indexOf("\r\n");
  const headers: Record<string, string> = {};
  for (let at = firstEnd + 2; at > 1 && at < text.length;) {
    const end = text.indexOf("\r\n", at);
    const line = end === -1 ? text.slice(at) : text.slice(at, end);
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).toLowerCase();
    if (framingNames.has(name) || name === "__proto__" || headers[name] !== undefined) return undefined;
    headers[name] = line.slice(colon + 1).trim();
    at = end === -1 ? text.length : end + 2;
  }
  const { host, "content-type": type = "", "content-length": length = "" } = headers;
  if (host === undefined || !plainTypes.has(type) || !/^\d{1,8}$/.test(length)) return undefined;
  const bodyBytes = Number(length);
  if (bodyBytes > bodyBytesMax) return undefined;
  return { target: text.slice("POST ".length, firstEnd - " HTTP/1.1".length), headers, bodyBytes };
}
