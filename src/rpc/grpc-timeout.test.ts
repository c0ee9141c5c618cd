import { describe, expect, it } from "bun:test";
import * as fc from "fast-check";
import {
  formatGrpcTimeout,
  formatTimeoutHeader,
  parseConnectTimeout,
  parseGrpcTimeout,
  parseTimeoutHeader,
} from "./grpc-timeout.ts";

describe("parseGrpcTimeout()", () => {
  it("knows every unit", () => {
    expect(parseGrpcTimeout("2H")).toBe(7_200_000);
    expect(parseGrpcTimeout("2M")).toBe(120_000);
    expect(parseGrpcTimeout("2S")).toBe(2_000);
    expect(parseGrpcTimeout("2m")).toBe(2);
    expect(parseGrpcTimeout("2000u")).toBe(2);
    expect(parseGrpcTimeout("1n")).toBe(1);
  });

  it("refuses other text", () => {
    for (const text of ["", "1", "S", "-1S", "1.5S", "123456789S", "1s", " 1S"]) {
      expect(parseGrpcTimeout(text)).toBeUndefined();
    }
  });

  it("reads what formatGrpcTimeout() writes, never shorter", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }), (ms) => {
        const text = formatGrpcTimeout(ms);
        const back = parseGrpcTimeout(text) ?? -1;
        expect(back >= Math.min(ms, 99_999_999 * 3_600_000)).toBe(true);
        if (ms <= 99_999_999) expect(back).toBe(ms);
      }),
    );
  });
});

describe("parseTimeoutHeader()", () => {
  it("reads what formatTimeoutHeader() writes", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e12 }), (ms) => parseTimeoutHeader(formatTimeoutHeader(ms)) === ms),
    );
    expect(parseTimeoutHeader("60000000000")).toBe(60_000);
  });

  it("refuses other text", () => {
    for (const text of ["", "-5", "1e9", "60s", "1.5"]) expect(parseTimeoutHeader(text)).toBeUndefined();
  });
});

describe("parseConnectTimeout()", () => {
  it("takes decimal milliseconds", () => {
    expect(parseConnectTimeout("1500")).toBe(1_500);
    expect(parseConnectTimeout("1.5")).toBeUndefined();
  });
});
