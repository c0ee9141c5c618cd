/** One header. */
export interface HeaderField {
  readonly name: string;
  readonly value: string;
}

/** What both sides know from the start: one a line, the value behind the name. RFC 7541, appendix A. */
const staticLines = `:authority
:method GET
:method POST
:path /
:path /index.html
:scheme http
:scheme https
:status 200
:status 204
:status 206
:status 304
:status 400
:status 404
:status 500
accept-charset
accept-encoding gzip, deflate
accept-language
accept-ranges
accept
access-control-allow-origin
age
allow
authorization
cache-control
content-disposition
content-encoding
content-language
content-length
content-location
content-range
content-type
cookie
date
etag
expect
expires
from
host
if-match
if-modified-since
if-none-match
if-range
if-unmodified-since
last-modified
link
location
max-forwards
proxy-authenticate
proxy-authorization
range
referer
refresh
retry-after
server
set-cookie
strict-transport-security
transfer-encoding
user-agent
vary
via
www-authenticate`;

const staticFields: readonly HeaderField[] = staticLines.split("\n").map((line) => {
  const [name = "", ...value] = line.split(" ");
  return { name, value: value.join(" ") };
});

/** Where a name has its first place among those that both sides know from the start; undefined for other names. */
export const staticIndexByName: ReadonlyMap<string, number> = new Map(
  staticFields.map(({ name }, index) => [name, index + 1] as const).toReversed(),
);

/** What an entry takes beside its text. */
const entryBytes = 32;

/** The headers that can be named by number: those known from the start, and behind them the last ones that were sent. */
export class HpackTable {
  /** The newest is last. */
  #fields: HeaderField[] = [];
  #bytes = 0;
  #bytesMax: number;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** The header of a number, from 1 on. */
  get(index: number): HeaderField | undefined {
    if (index <= staticFields.length) return staticFields[index - 1];
    return this.#fields[this.#fields.length - (index - staticFields.length)];
  }

  /** Puts a header in front of the others; the oldest make room. */
  add(field: HeaderField): void {
    const bytes = sizeOf(field);
    this.#shrink(this.#bytesMax - bytes);
    if (bytes > this.#bytesMax) return;
    this.#fields.push(field);
    this.#bytes += bytes;
  }

  resize(bytesMax: number): void {
    this.#bytesMax = bytesMax;
    this.#shrink(bytesMax);
  }

  #shrink(bytesMax: number): void {
    let dropCount = 0;
    for (const field of this.#fields) {
      if (this.#bytes <= bytesMax) break;
      this.#bytes -= sizeOf(field);
      dropCount += 1;
    }
    if (dropCount > 0) this.#fields = this.#fields.slice(dropCount);
  }
}

/** What a header counts. */
export function sizeOf({ name, value }: HeaderField): number {
  return name.length + value.length + entryBytes;
}
