import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { MicroError } from "#base/error.ts";
import { parseRate, resolveGatewayFlags } from "./gateway-flags.ts";
import { resolveServerOptions } from "./server-options.ts";

describe("resolveGatewayFlags()", () => {
  it("limits nobody and logs errors when nothing is said", () => {
    expect(resolveGatewayFlags({}, {})).toEqual({
      accessLog: "errors",
      cors: { trustedOrigins: [], allowsOthers: true },
      admission: {},
    });
  });

  it("prefers flags to the environment", () => {
    const env = { MICRO_ACCESS_LOG: "off", MICRO_RATE_LIMIT_ADDRESS: "60/m", MICRO_MAX_REQUESTS_ADDRESS: "7" };
    const options = {
      accessLog: "all",
      rateLimitAccount: "5000/h",
      corsOrigins: "https://a.example, https://b.example:8443/",
    };
    expect(resolveGatewayFlags(options, env)).toEqual({
      accessLog: "all",
      cors: { trustedOrigins: ["https://a.example", "https://b.example:8443"], allowsOthers: false },
      admission: {
        accountRate: { perSecond: 5_000 / 3_600, burst: 5_000 },
        addressRate: { perSecond: 1, burst: 60 },
        addressConcurrencyMax: 7,
      },
    });
  });

  it.each([
    [{ accessLog: "some" }, '--access-log "some" is not a choice; use off, errors, all'],
    [{ corsOrigins: "app.example.com" }, '--cors-origins "app.example.com" is not an origin'],
    [{ corsOrigins: "https://a.example/path" }, "is not an origin"],
    [{ corsOrigins: "null" }, "is not an origin"],
    [{ rateLimitAccount: "fast" }, '--rate-limit-account "fast" is not a rate; write 100/s'],
    [{ rateLimitAddress: "0/s" }, '--rate-limit-address "0/s" is not a rate'],
    [{ maxRequestsAddress: "-1" }, '--max-requests-address "-1" is not a number'],
  ])("refuses %p", (options, text) => {
    expect(() => resolveGatewayFlags(options, {})).toThrow(text);
  });

  it("wants certificate and key together", () => {
    expect(() => resolveServerOptions({ tlsKey: "k" }, { MICRO_HOME: "/h" })).toThrow("--tls-key needs --tls-cert");
    const config = resolveServerOptions({ tlsKey: "k" }, { MICRO_HOME: "/h", MICRO_TLS_CERT: "c" });
    expect(config.tlsFiles).toEqual({ cert: "c", key: "k" });
  });
});

describe("parseRate()", () => {
  it("answers with a rate or a MicroError that names the flag, whatever it is given", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.tuple(fc.nat(), fc.constantFrom("/s", "/m", "/h", "")).map((all) => all.join("")),
        ),
        (text) => {
          try {
            const { perSecond, burst } = parseRate(text, "--x");
            expect(perSecond > 0 && burst >= 1).toBe(true);
          } catch (reason) {
            expect(MicroError.is(reason)).toBe(true);
            expect(String(reason)).toContain("--x");
          }
        },
      ),
    );
  });
});
