import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { MicroError } from "#base/error.ts";
import { Http1Head } from "./http1-head.ts";

function codeOf(text: string): string | undefined {
  try {
    void new Http1Head(text);
    return undefined;
  } catch (reason) {
    return MicroError.from(reason).code;
  }
}

const name = fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,20}$/);
const value = fc.stringMatching(/^(?:[!-~](?:[ -~]{0,20}[!-~])?)?$/);

describe("Http1Head", () => {
  it("reads the status, and headers by a name in any case", () => {
    const head = new Http1Head("HTTP/1.1 404 Not Found\r\nX-A:  1 \r\nContent-LENGTH: 5\r\nx-a: 2");
    expect([head.status, head.get("x-A"), head.get("none")]).toEqual([404, "1, 2", null]);
    expect(head.framing).toEqual({ "content-length": "5" });
  });

  it("gives every header that was sent, whatever they are", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(name, value)), (pairs) => {
        const head = new Http1Head(["HTTP/1.1 200 OK", ...pairs.map(([key, text]) => `${key}: ${text}`)].join("\r\n"));
        for (const [key] of pairs) {
          const all = pairs.filter(([other]) => other.toLowerCase() === key.toLowerCase()).map(([, text]) => text);
          expect(head.get(key)).toBe(all.join(", "));
        }
        for (const key of ["connection", "content-length", "transfer-encoding"] as const) {
          expect(head.framing[key] ?? null).toBe(head.get(key));
        }
      }),
    );
  });

  it("says whether the connection stays open", () => {
    const keeps = (text: string): boolean => new Http1Head(text).keepsConnection;
    expect(keeps("HTTP/1.1 200 OK\r\nconnection: keep-alive")).toBe(true);
    expect(keeps("HTTP/1.1 200 OK\r\nConnection: x, Close")).toBe(false);
    expect(keeps("HTTP/1.0 200 OK")).toBe(false);
  });

  it("refuses any line that has no name, also behind those that frame the answer", () => {
    for (const line of ["", ":", ": x", "no colon"]) {
      expect(codeOf(`HTTP/1.1 200 OK\r\ncontent-length: 1\r\n${line}`)).toBe("bad_gateway");
      expect(codeOf(`HTTP/1.1 200 OK\r\n${line}\r\ncontent-length: 1`)).toBe("bad_gateway");
    }
    for (const first of ["", "HTTP/2 200", "HTTP/1.1 20", "HTTP/1.1 2000", "HTTP/1.1  200", "http/1.1 200"]) {
      expect(codeOf(first)).toBe("bad_gateway");
    }
  });
});
