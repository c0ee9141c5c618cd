import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { isName } from "#base/name.ts";
import { parseBlobPath } from "./public-blobs.ts";

describe("parseBlobPath()", () => {
  it("gives back every key that was percent-encoded, slashes encoded or not", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: "grapheme" }), (key) => {
        const encoded = encodeURIComponent(key);
        expect(parseBlobPath(`/blobs/micro/${encoded}`)).toEqual({ namespace: "micro", key });
        expect(parseBlobPath(`/blobs/micro/${encoded.replaceAll("%2F", "/")}`)).toEqual({ namespace: "micro", key });
      }),
    );
  });

  it("gives a namespace and a key, or nothing, for any text", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[a-z%/.0-9]{0,20}$/)), (rest) => {
        const scope = parseBlobPath(`/blobs/${rest}`);
        if (scope === undefined) return;
        expect(isName("namespace", scope.namespace)).toBe(true);
        expect(scope.key).not.toBe("");
      }),
    );
  });

  it.each([
    "/blobs/",
    "/blobs/micro",
    "/blobs/micro/",
    "/blobs//a",
    "/blobs/../a",
    "/blobs/a%2Fb/c",
    "/blobs/micro/%e4",
  ])("finds no blob in %s", (path) => expect(parseBlobPath(path)).toBeUndefined());

  it("finds no blob with a key that is too long", () => {
    expect(parseBlobPath(`/blobs/micro/${"ä".repeat(1_025)}`)).toBeUndefined();
    expect(parseBlobPath(`/blobs/micro/${"ä".repeat(1_024)}`)).toBeDefined();
  });
});
