import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { MicroError } from "#base/error.ts";
import type { Http1Head } from "./http1-head.ts";
import { Http1ResponseParser } from "./http1-response.ts";

interface Parsed {
  head: Http1Head | undefined;
  body: string;
  /** Undefined until the answer is complete. */
  canReuse: boolean | undefined;
  failure: string | undefined;
}

/** Parses text that arrives in parts of the given lengths; the last takes what is left. */
function parse(text: string, cuts: readonly number[] = [], isClosed = false): Parsed {
  const parsed: Parsed = { head: undefined, body: "", canReuse: undefined, failure: undefined };
  const parser = new Http1ResponseParser({
    onHead: (head) => {
      parsed.head = head;
    },
    onBody: (part) => {
      parsed.body += Buffer.from(part).toString("latin1");
    },
    onComplete: (canReuse) => {
      parsed.canReuse = canReuse;
    },
  });
  try {
    let rest = Buffer.from(text, "latin1");
    for (const cut of cuts) {
      parser.push(Buffer.from(rest.subarray(0, cut)));
      rest = rest.subarray(cut);
    }
    parser.push(rest);
    if (isClosed) parser.finish();
  } catch (reason) {
    parsed.failure = MicroError.from(reason).code;
  }
  return parsed;
}

const plain = "HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 5\r\n\r\nhello";
const chunked =
  "HTTP/1.1 404 Not Found\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nt: 1\r\n\r\n";

describe("Http1ResponseParser.push()", () => {
  it("reads a body of known length", () => {
    const { head, body, canReuse } = parse(plain);
    expect([head?.status, body, canReuse]).toEqual([200, "hello", true]);
    expect([head?.get("content-type"), head?.get("x-a")]).toEqual(["a/b", "1, 2"]);
  });

  it("reads a body in chunks, with extensions and trailers", () => {
    const { head, body, canReuse } = parse(chunked);
    expect([head?.status, body, canReuse]).toEqual([404, "hello world", true]);
  });

  it("reads the same whatever the parts in which it arrives", () => {
    for (const text of [plain, chunked, `HTTP/1.1 100 Continue\r\n\r\n${plain}`]) {
      const whole = parse(text);
      fc.assert(
        fc.property(fc.array(fc.nat(9)), (cuts) => {
          expect(parse(text, cuts)).toEqual(whole);
        }),
      );
    }
  });

  it("ends without a body where the status or the length says so", () => {
    expect(parse("HTTP/1.1 204 No Content\r\n\r\n").canReuse).toBe(true);
    expect(parse("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").canReuse).toBe(true);
  });

  it("ends with the connection where no length is given", () => {
    const text = "HTTP/1.1 200 OK\r\n\r\nhello";
    expect(parse(text).canReuse).toBeUndefined();
    expect(parse(text, [], true)).toMatchObject({ body: "hello", canReuse: false, failure: undefined });
  });

  it("allows no reuse after connection: close, HTTP/1.0, two lengths or bytes behind the end", () => {
    expect(parse("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n").canReuse).toBe(false);
    expect(parse("HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n").canReuse).toBe(false);
    expect(parse("HTTP/1.1 200 OK\r\ncontent-length: 9\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n").canReuse).toBe(
      false,
    );
    expect(parse(`${plain}HTTP/1.1 200 OK\r\n`)).toMatchObject({ body: "hello", canReuse: false });
  });

  for (const [what, text] of Object.entries({
    "another protocol": "SSH-2.0-OpenSSH_9\r\n\r\n",
    "a header without a name": "HTTP/1.1 200 OK\r\n: x\r\n\r\n",
    "a length that is no number": "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
    "two lengths that differ": "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
    "another transfer encoding": "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n",
    "a chunk without a length": "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n",
    "a chunk that is longer than it says": "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nabc\r\n",
    "headers without end": `HTTP/1.1 200 OK\r\n${"a: b\r\n".repeat(4_000)}`,
  })) {
    it(`refuses ${what}`, () => {
      expect(parse(text).failure).toBe("bad_gateway");
    });
  }

  it("never throws anything but a refusal, whatever arrives", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect([undefined, "bad_gateway"]).toContain(parse(`HTTP/1.1 200 OK\r\n${text}`).failure);
      }),
    );
  });
});

describe("Http1ResponseParser.finish()", () => {
  it("refuses an answer that broke off", () => {
    for (const text of ["HTTP/1.1 2", plain.slice(0, -1), chunked.slice(0, -1)]) {
      expect(parse(text, [], true).failure).toBe("bad_gateway");
    }
    expect(parse(plain, [], true).failure).toBeUndefined();
  });
});
