import { describe, expect, it } from "bun:test";
import { limits, MiB } from "#base/limits.ts";
import { resolveLogFlags } from "./log-flags.ts";

describe("resolveLogFlags()", () => {
  it("takes the flag, else the variable, else the default", () => {
    expect(resolveLogFlags({}, {})).toEqual({ bytesMax: limits.logBytesMax, ageMaxMs: limits.logAgeMaxMs });
    const env = { MICRO_LOG_SIZE: "5MiB", MICRO_LOG_AGE: "2d" };
    expect(resolveLogFlags({}, env)).toEqual({ bytesMax: 5 * MiB, ageMaxMs: 2 * 86_400_000 });
    expect(resolveLogFlags({ logSize: "1GiB", logAge: "1h" }, env)).toEqual({
      bytesMax: 1024 * MiB,
      ageMaxMs: 3_600_000,
    });
  });

  it("refuses what keeps nothing or is nothing, and names the flag", () => {
    expect(() => resolveLogFlags({ logSize: "much" }, {})).toThrow('--log-size "much" is not a size');
    expect(() => resolveLogFlags({ logSize: "1KiB" }, {})).toThrow("--log-size");
    expect(() => resolveLogFlags({ logAge: "14" }, {})).toThrow('--log-age "14" is not a duration');
    expect(() => resolveLogFlags({ logAge: "1s" }, {})).toThrow("--log-age");
  });
});
