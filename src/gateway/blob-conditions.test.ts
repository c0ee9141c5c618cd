import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import type { BlobInfo } from "#interface/blob.ts";
import { evaluateConditions, mayContinue, toEtag, toLastModified } from "./blob-conditions.ts";

const info: BlobInfo = {
  key: "k",
  sizeBytes: 1,
  contentType: "",
  isPublic: true,
  sha256: "ab".repeat(32),
  modifiedAtMs: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
};
const etag = toEtag(info);
const before = "Thu, 01 Jan 2026 00:00:00 GMT";

function evaluate(headers: Readonly<Record<string, string>>): ReturnType<typeof evaluateConditions> {
  return evaluateConditions((name) => headers[name], info);
}

describe("evaluateConditions()", () => {
  it("says what the caller has already, and refuses who wants another content", () => {
    expect(evaluate({})).toBeUndefined();
    expect(evaluate({ "if-none-match": etag })).toBe("unchanged");
    expect(evaluate({ "if-none-match": `"x", W/${etag}` })).toBe("unchanged");
    expect(evaluate({ "if-none-match": `"x"` })).toBeUndefined();
    expect(evaluate({ "if-match": etag })).toBeUndefined();
    expect(evaluate({ "if-match": `W/${etag}` })).toBe("refused");
    expect(evaluate({ "if-modified-since": toLastModified(info) })).toBe("unchanged");
    expect(evaluate({ "if-modified-since": before })).toBeUndefined();
    expect(evaluate({ "if-unmodified-since": before })).toBe("refused");
    // The tag says more than the date.
    expect(evaluate({ "if-none-match": `"x"`, "if-modified-since": toLastModified(info) })).toBeUndefined();
  });

  it("takes anything for one of its answers", () => {
    const piece = fc.oneof(fc.constantFrom(etag, `W/${etag}`, "*", ",", before), fc.string({ maxLength: 8 }));
    const value = fc.array(piece, { maxLength: 5 }).map((pieces) => pieces.join(""));
    const name = fc.constantFrom("if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range");
    fc.assert(
      fc.property(fc.dictionary(name, value), (headers) => {
        expect(["unchanged", "refused", undefined]).toContain(evaluate(headers));
        expect(mayContinue((each) => headers[each], info)).toBeBoolean();
      }),
    );
  });
});
