import { MicroError } from "#base/error.ts";
import type { HttpHeaders } from "./http-client.ts";

/** Headers that say where an answer ends, and whether its connection may be used again. */
interface Framing {
  connection?: string;
  "content-length"?: string;
  "transfer-encoding"?: string;
}

const framingNames = ["connection", "content-length", "transfer-encoding"] as const;
const statusPattern = /^HTTP\/1\.[01] \d{3}(?: |\r\n|$)/;
const minorAt = "HTTP/1.".length;
const statusAt = "HTTP/1.1 ".length;

/**
 * The status line and the headers of an HTTP/1.1 answer. Every line is checked, and what frames the answer is read; all
 * other headers are read when somebody asks for one, because most answers are taken without.
 */
export class Http1Head implements HttpHeaders {
  readonly status: number;
  readonly framing: Readonly<Framing>;
  /** False where the connection ends with the answer. */
  readonly keepsConnection: boolean;
  readonly #text: string;
  #headers: ReadonlyMap<string, string> | undefined;

  /**
   * @param text everything before the empty line, a character for each byte.
   * @throws MicroError `bad_gateway` for what is no head.
   */
  constructor(text: string) {
    if (!statusPattern.test(text)) throw malformed("it does not begin with a status of HTTP/1.1");
    this.#text = text;
    this.status = Number(text.slice(statusAt, statusAt + 3));
    this.framing = readFraming(text);
    const { connection } = this.framing;
    const isClosing = connection !== undefined && /\bclose\b/i.test(connection);
    this.keepsConnection = text[minorAt] === "1" && !isClosing;
  }

  /** A header; several of one name are joined with ", ". */
  get(name: string): string | null {
    this.#headers ??= readHeaders(this.#text);
    return this.#headers.get(name.toLowerCase()) ?? null;
  }
}

/** @throws MicroError `bad_gateway` for a line that is no header. */
function readFraming(text: string): Framing {
  const framing: Framing = {};
  for (let end = text.indexOf("\r\n"); end !== -1;) {
    const start = end + 2;
    end = text.indexOf("\r\n", start);
    const colon = text.indexOf(":", start);
    if (colon <= start || (end !== -1 && colon > end)) throw malformed("a header has no name");
    const name = toFramingName(text, start, colon);
    if (name === undefined) continue;
    framing[name] = join(framing[name], text.slice(colon + 1, end === -1 ? undefined : end));
  }
  return framing;
}

/** Most names are told from the ones that are wanted by their length alone. */
function toFramingName(text: string, start: number, end: number): keyof Framing | undefined {
  for (const name of framingNames) {
    if (name.length === end - start && text.slice(start, end).toLowerCase() === name) return name;
  }
  return undefined;
}

function readHeaders(text: string): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  for (const line of text.split("\r\n").slice(1)) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).toLowerCase();
    headers.set(name, join(headers.get(name), line.slice(colon + 1)));
  }
  return headers;
}

function join(before: string | undefined, text: string): string {
  const value = text.trim();
  return before === undefined ? value : `${before}, ${value}`;
}

/** The refusal of bytes that are no answer. */
export function malformed(what: string): MicroError {
  return new MicroError("bad_gateway", `the answer is not HTTP/1.1: ${what}`);
}
