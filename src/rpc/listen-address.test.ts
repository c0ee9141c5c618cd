import { describe, expect, it } from "bun:test";
import * as fc from "fast-check";
import { MicroError } from "#base/error.ts";
import { formatListenAddress, parseListenAddress, toListenError } from "./listen-address.ts";

describe("parseListenAddress()", () => {
  it("reads hosts, version 6 addresses, every interface and socket files", () => {
    expect(parseListenAddress("127.0.0.1:0")).toEqual({ kind: "tcp", host: "127.0.0.1", port: 0 });
    expect(parseListenAddress("[::1]:8080")).toEqual({ kind: "tcp", host: "::1", port: 8080 });
    expect(parseListenAddress(":8080")).toEqual({ kind: "tcp", host: "0.0.0.0", port: 8080 });
    expect(parseListenAddress("unix:/run/a.sock")).toEqual({ kind: "unix", path: "/run/a.sock" });
  });

  it("refuses other text with one line that says what would be right", () => {
    for (const text of [
      "",
      "localhost",
      "a:b",
      "a:70000",
      "::1:80",
      "unix:",
      "unix:rel.sock",
      `unix:/${"x".repeat(200)}`,
    ]) {
      expect(() => parseListenAddress(text)).toThrow(MicroError);
    }
  });

  it("reads what formatListenAddress() writes", () => {
    const host = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain());
    fc.assert(
      fc.property(host, fc.integer({ min: 0, max: 65_535 }), (name, port) => {
        const address = { kind: "tcp", host: name, port } as const;
        expect(parseListenAddress(formatListenAddress(address))).toEqual(address);
      }),
    );
  });
});

describe("toListenError()", () => {
  it("says what the system meant", () => {
    const codeOf = (code: string, address = "a:1"): string =>
      toListenError(address, Object.assign(new Error("x"), { code })).code;
    expect(codeOf("EADDRINUSE")).toBe("conflict");
    expect(codeOf("EACCES")).toBe("permission_denied");
    expect(codeOf("EADDRNOTAVAIL")).toBe("invalid_argument");
    expect(codeOf("ENOENT")).toBe("invalid_argument");
    expect(codeOf("ENOENT", "unix:/a/b.sock")).toBe("failed_precondition");
    expect(toListenError("a:1", new Error("odd")).detail).toBe("a:1 could not be listened on");
  });
});
