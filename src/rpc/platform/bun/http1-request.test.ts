import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { MicroError } from "#base/error.ts";
import { Http1RequestWriter, type Http1Request } from "./http1-request.ts";

const plain = { path: "/a.B/C", headers: { "x-a": "1", "x-b": "caf\u00e9" } };

function refusalOf(request: Http1Request): string | undefined {
  try {
    new Http1RequestWriter().writeHead(request, "h:1");
    return undefined;
  } catch (reason) {
    return MicroError.from(reason).code;
  }
}

describe("Http1RequestWriter.write()", () => {
  it("puts head and body into one piece, a byte for each character", () => {
    const text = new Http1RequestWriter().write(plain, "h:1", Buffer.from("{}")).toString("latin1");
    expect(text).toBe("POST /a.B/C HTTP/1.1\r\nhost: h:1\r\nx-a: 1\r\nx-b: caf\u00e9\r\ncontent-length: 2\r\n\r\n{}");
  });

  it("names no socket file as host", () => {
    const text = new Http1RequestWriter().write(plain, "unix:/run/a.sock", new Uint8Array(0)).toString("latin1");
    expect(text).toContain("\r\nhost: localhost\r\n");
  });

  it("sends the headers that it was given and no other, or none at all, however often", () => {
    const writer = new Http1RequestWriter();
    const short = fc.string({ unit: "binary", maxLength: 8 });
    // Long enough to be kept, and seldom another.
    const word = fc.oneof(short, fc.constantFrom("a".repeat(300), "b".repeat(300), "a".repeat(299) + "\n"));
    fc.assert(
      fc.property(fc.dictionary(word, word), (headers) => {
        const text = (): string => writer.write({ path: "/", headers }, "h:1", Buffer.from("{}")).toString("latin1");
        if (refusalOf({ path: "/", headers }) !== undefined) {
          expect(text).toThrow(MicroError);
          return;
        }
        for (let round = 0; round < 2; round += 1) {
          const [first, ...lines] = text().split("\r\n");
          const sent = Object.entries(headers).map(([key, value]) => `${key}: ${value}`);
          expect(first).toBe("POST / HTTP/1.1");
          expect(lines.slice(-2)).toEqual(["", "{}"]);
          expect(lines.slice(0, -2).toSorted()).toEqual(["host: h:1", "content-length: 2", ...sent].toSorted());
        }
      }),
    );
  });
});

describe("Http1RequestWriter.writeHead()", () => {
  it("announces chunks", () => {
    const head = new Http1RequestWriter().writeHead(plain, "h:1").toString("latin1");
    expect(head).toEndWith("\r\ntransfer-encoding: chunked\r\n\r\n");
  });

  it("refuses what would be more than one header, path or method on the wire", () => {
    // The last two are cut to CR and LF where only their low byte is sent.
    for (const bad of ["a\rb", "a\nb", "a\r\nb: c", "a\0", "\u{1f600}", "\u010d", "\u010a"]) {
      expect(refusalOf({ path: "/", headers: { a: bad } })).toBe("invalid_argument");
      expect(refusalOf({ path: "/", headers: { [bad]: "a" } })).toBe("invalid_argument");
      expect(refusalOf({ path: `/${bad}`, headers: {} })).toBe("invalid_argument");
      expect(refusalOf({ path: "/", headers: {}, method: bad })).toBe("invalid_argument");
    }
    for (const name of ["", "a b", "a:", ":path"]) {
      expect(refusalOf({ path: "/", headers: { [name]: "a" } })).toBe("invalid_argument");
    }
    for (const path of ["", "a", "/a b"]) expect(refusalOf({ path, headers: {} })).toBe("invalid_argument");
    for (const method of ["", "get", "HEAD", "CONNECT", "GET /"]) {
      expect(refusalOf({ path: "/", headers: {}, method })).toBe("invalid_argument");
    }
  });
});
