import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { MicroError } from "#base/error.ts";
import { parseSocketAddress } from "./socket-address.ts";

describe("parseSocketAddress()", () => {
  it("reads each form", () => {
    expect(parseSocketAddress("127.0.0.1:80")).toEqual({ kind: "tcp", host: "127.0.0.1", port: 80 });
    expect(parseSocketAddress("[fd00::2]:443")).toEqual({ kind: "tcp", host: "fd00::2", port: 443 });
    expect(parseSocketAddress("unix:/a:1")).toEqual({ kind: "unix", path: "/a:1" });
  });

  it("reads whatever port and host it is given, and refuses all else with one sentence", () => {
    const host = fc.oneof(fc.ipV4(), fc.domain());
    const port = fc.integer({ min: 1, max: 65_535 });
    fc.assert(
      fc.property(host, port, (name, number) => {
        expect(parseSocketAddress(`${name}:${number}`)).toEqual({ kind: "tcp", host: name, port: number });
      }),
    );
    fc.assert(
      fc.property(fc.ipV6(), port, (name, number) => {
        expect(parseSocketAddress(`[${name}]:${number}`)).toEqual({ kind: "tcp", host: name, port: number });
      }),
    );
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          const parsed = parseSocketAddress(text);
          if (parsed.kind === "tcp") expect(parsed.port).toBeWithin(1, 65_536);
        } catch (reason) {
          expect(reason).toBeInstanceOf(MicroError);
        }
      }),
    );
  });
});
