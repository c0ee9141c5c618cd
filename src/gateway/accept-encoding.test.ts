import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { answerEncodings, chooseEncoding } from "./accept-encoding.ts";

describe("chooseEncoding()", () => {
  it.each([
    [undefined, undefined],
    ["", undefined],
    ["identity", undefined],
    ["br", undefined],
    ["gzip", "gzip"],
    ["x-gzip", "gzip"],
    ["GZIP", "gzip"],
    ["gzip, deflate, br, zstd", "zstd"],
    ["zstd;q=0.1, gzip;q=0.2", "gzip"],
    ["zstd;q=0, gzip", "gzip"],
    ["*", "zstd"],
    ["*;q=0", undefined],
    ["gzip;q=0, *", "zstd"],
    ["gzip;q=2", undefined],
    ["gzip;q=x", undefined],
  ] as const)("answers %p with %p", (header, encoding) => {
    expect(chooseEncoding(header)).toBe(encoding);
  });

  it("answers with one that is spoken and named, or with none, whatever it is given", () => {
    const word = fc.constantFrom("gzip", "zstd", "*", "br", ";q=", "0", "1", "0.5", ",", " ", ";");
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(word).map((words) => words.join("")),
        ),
        (header) => {
          const chosen = chooseEncoding(header);
          if (chosen === undefined) return;
          expect(answerEncodings).toContain(chosen);
          expect(header.includes(chosen) || header.includes("*")).toBe(true);
        },
      ),
    );
  });
});
