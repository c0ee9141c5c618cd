import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { MicroError } from "#base/error.ts";
import { formatRequest, formatRequestHead, type Http1Request } from "./http1-request.ts";

const plain = { path: "/a.B/C", headers: { "x-a": "1", "x-b": "caf\u00e9" } };

function refusalOf(request: Http1Request): string | undefined {
  try {
    formatRequestHead(request, "h:1");
    return undefined;
  } catch (reason) {
    return MicroError.from(reason).code;
  }
}

describe("formatRequest()", () => {
  it("puts head and body into one piece, a byte for each character", () => {
    const text = formatRequest(plain, "h:1", Buffer.from("{}")).toString("latin1");
    expect(text).toBe("POST /a.B/C HTTP/1.1\r\nhost: h:1\r\nx-a: 1\r\nx-b: caf\u00e9\r\ncontent-length: 2\r\n\r\n{}");
  });

  it("names no socket file as host", () => {
    const text = formatRequest(plain, "unix:/run/a.sock", new Uint8Array(0)).toString("latin1");
    expect(text).toContain("\r\nhost: localhost\r\n");
  });

  it("sends the headers that it was given and no other, or none at all", () => {
    const word = fc.string({ unit: "binary", maxLength: 8 });
    fc.assert(
      fc.property(fc.dictionary(word, word), (headers) => {
        if (refusalOf({ path: "/", headers }) !== undefined) return;
        const lines = formatRequest({ path: "/", headers }, "h:1", new Uint8Array(0)).toString("latin1").split("\r\n");
        const sent = Object.entries(headers).map(([key, text]) => `${key}: ${text}`);
        expect(lines).toEqual(["POST / HTTP/1.1", "host: h:1", ...sent, "content-length: 0", "", ""]);
      }),
    );
  });
});

describe("formatRequestHead()", () => {
  it("announces chunks", () => {
    const head = formatRequestHead(plain, "h:1").toString("latin1");
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
