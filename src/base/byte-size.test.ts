import { describe, expect, it } from "bun:test";
import { parseByteSize } from "./byte-size.ts";

describe("parseByteSize()", () => {
  it("reads sizes in both families of units", () => {
    const sizes = { "0": 0, "1024": 1_024, "500MB": 5e8, "2 GiB": 2 ** 31, "1.5kib": 1_536, "7b": 7 };
    for (const [text, bytes] of Object.entries(sizes)) expect(parseByteSize(text)).toBe(bytes);
  });

  it("refuses anything else", () => {
    for (const text of ["", "MB", "-1", "1e3", "5 parsecs", "1.2345kb", "1 2"]) {
      expect(() => parseByteSize(text)).toThrow(`"${text}" is not a size`);
    }
  });
});
