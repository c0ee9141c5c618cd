import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";

/** One field of a form. */
export interface FormPart {
  readonly name: string;
  /** Present for a file, where it may be empty. */
  readonly fileName: string | undefined;
  /** To be read before the next part is asked for; what is left of it is skipped. */
  readonly content: AsyncIterable<Uint8Array>;
}

const lineEnd = Buffer.from("\r\n");
const headEnd = Buffer.from("\r\n\r\n");
const lastMark = Buffer.from("--");

/**
 * The delimiter that a content type names.
 *
 * @throws MicroError `invalid_argument` where it names none.
 */
export function parseBoundary(contentType: string): string {
  const [, quoted, plain] = /;\s*boundary=(?:"([^"]*)"|([^;\s]*))/i.exec(contentType) ?? [];
  const boundary = quoted ?? plain ?? "";
  if (boundary !== "" && boundary.length <= 70) return boundary;
  throw new MicroError("invalid_argument", "multipart/form-data needs a boundary of 1 to 70 characters");
}

/**
 * The parts of a `multipart/form-data` body as it arrives, with no more of it in memory than one piece.
 *
 * @throws MicroError `invalid_argument` for a body that is none, or ends early.
 * @see https://www.rfc-editor.org/rfc/rfc7578
 */
export async function* readMultipart(
  pieces: AsyncIterable<Uint8Array>,
  boundary: string,
): AsyncGenerator<FormPart, void, void> {
  const scanner = new Scanner(pieces);
  try {
    const delimiter = Buffer.from(`\r\n--${boundary}`);
    for await (const _ of scanner.until(delimiter)) {
      // What stands before the first part says nothing.
    }
    for (let count = 1; await scanner.beginsPart(); count += 1) {
      if (count > limits.parameterCountMax) throw invalid(`has more than ${limits.parameterCountMax} parts`);
      const content = scanner.until(delimiter);
      yield { ...parseHead(await scanner.readHead()), content };
      for await (const _ of content) {
        // What nobody wanted.
      }
    }
  } finally {
    await scanner.return();
  }
}

/** Looks for marks in pieces that know nothing of them. */
class Scanner {
  readonly #pieces: AsyncIterator<Uint8Array>;
  /** What has come and is not read. The first part begins like all others, after the end of a line. */
  #rest: Buffer = lineEnd;

  constructor(pieces: AsyncIterable<Uint8Array>) {
    this.#pieces = pieces[Symbol.asyncIterator]();
  }

  async return(): Promise<void> {
    await this.#pieces.return?.();
  }

  /** What comes before the mark, which is skipped. */
  async *until(mark: Buffer): AsyncGenerator<Uint8Array> {
    for (;;) {
      const at = this.#rest.indexOf(mark);
      // Its beginning may be the end of what has come.
      const sure = at === -1 ? Math.max(0, this.#rest.byteLength - mark.byteLength + 1) : at;
      const before = this.#rest.subarray(0, sure);
      this.#rest = this.#rest.subarray(at === -1 ? sure : at + mark.byteLength);
      if (before.byteLength > 0) yield before;
      if (at !== -1) return;
      await this.#fill();
    }
  }

  /** After a delimiter: true where a part follows, false at the end of all. */
  async beginsPart(): Promise<boolean> {
    while (this.#rest.byteLength < lastMark.byteLength) await this.#fill();
    if (this.#rest.subarray(0, lastMark.byteLength).equals(lastMark)) return false;
    const line = await this.#readUntil(lineEnd, "delimiter");
    if (/^[ \t]*$/.test(line)) return true;
    throw invalid("has a delimiter with something behind it");
  }

  /** The headers of a part. */
  async readHead(): Promise<string> {
    // A part without headers begins with the empty line at once.
    this.#rest = Buffer.concat([lineEnd, this.#rest]);
    return this.#readUntil(headEnd, "part");
  }

  async #readUntil(mark: Buffer, what: string): Promise<string> {
    for (;;) {
      const at = this.#rest.indexOf(mark);
      if (at > limits.headerBytesMax || (at === -1 && this.#rest.byteLength > limits.headerBytesMax)) {
        throw invalid(`has a ${what} whose headers are longer than ${limits.headerBytesMax} bytes`);
      }
      if (at !== -1) {
        const text = this.#rest.subarray(0, at).toString("utf8");
        this.#rest = this.#rest.subarray(at + mark.byteLength);
        return text;
      }
      await this.#fill();
    }
  }

  async #fill(): Promise<void> {
    const next = await this.#pieces.next();
    if (next.done === true) throw invalid("ends before its last delimiter");
    this.#rest = this.#rest.byteLength === 0 ? Buffer.from(next.value) : Buffer.concat([this.#rest, next.value]);
  }
}

function parseHead(head: string): Pick<FormPart, "name" | "fileName"> {
  const line = head.split("\r\n").find((each) => /^content-disposition:/i.test(each));
  const name = line === undefined ? undefined : readParameter(line, "name");
  if (line === undefined || name === undefined || name === "") throw invalid("has a part without a name");
  return { name, fileName: readParameter(line, "filename") };
}

/** `; name="a \"b\""` or `; name=a`. Browsers write a quote inside as `%22`. */
function readParameter(line: string, name: string): string | undefined {
  const found = new RegExp(`;[ \\t]*${name}=(?:"((?:[^"\\\\]|\\\\.)*)"|([^;" \\t]+))`, "i").exec(line);
  const quoted = found?.[1]?.replaceAll(/\\(.)/g, "$1").replaceAll("%22", '"');
  return quoted ?? found?.[2];
}

function invalid(what: string): MicroError {
  return new MicroError("invalid_argument", `the form ${what}; it is not multipart/form-data as RFC 7578 says`);
}
