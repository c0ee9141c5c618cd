import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { MicroError } from "#base/error.ts";
import { parseListenAddress, resolveServerOptions } from "./server-options.ts";

describe("parseListenAddress()", () => {
  it("takes a bare port and a port with a colon as loopback", () => {
    expect(parseListenAddress("8080", "--x")).toBe("127.0.0.1:8080");
    expect(parseListenAddress(":0", "--x")).toBe("127.0.0.1:0");
  });

  it("keeps a host that is given", () => {
    expect(parseListenAddress("0.0.0.0:80", "--x")).toBe("0.0.0.0:80");
    expect(parseListenAddress("[::1]:80", "--x")).toBe("[::1]:80");
  });

  it("answers with an address or a MicroError that names the flag, whatever it is given", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          expect(parseListenAddress(text, "--x")).toMatch(/:\d+$/);
        } catch (reason) {
          expect(MicroError.is(reason)).toBe(true);
          expect(String(reason)).toContain("--x");
        }
      }),
    );
  });
});

describe("resolveServerOptions()", () => {
  it("prefers a flag to the environment and the environment to the default", () => {
    const env = { MICRO_HOME: "/h", MICRO_PROXY_ADDRESS: "9001", MICRO_GATEWAY_ADDRESS: "9000" };
    const config = resolveServerOptions({ gatewayAddress: "7000" }, env);
    expect(config.gatewayAddress).toBe("127.0.0.1:7000");
    expect(config.proxyAddress).toBe("127.0.0.1:9001");
    expect(config.networkAddress).toBe("127.0.0.1:8443");
  });

  it("ends services with the server unless it is told to keep them", () => {
    expect(resolveServerOptions({}, {}).keepsServices).toBe(false);
    expect(resolveServerOptions({}, { MICRO_KEEP_SERVICES: "1" }).keepsServices).toBe(true);
    expect(resolveServerOptions({ keepServices: "false" }, { MICRO_KEEP_SERVICES: "true" }).keepsServices).toBe(false);
    expect(() => resolveServerOptions({ keepServices: "maybe" }, {})).toThrow("--keep-services");
  });

  it("refuses an unknown log level", () => {
    expect(() => resolveServerOptions({ logLevel: "loud" }, {})).toThrow('"loud" is not a log level');
  });
});
