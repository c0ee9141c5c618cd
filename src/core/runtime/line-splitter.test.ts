import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { LineSplitter } from "./line-splitter.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("LineSplitter", () => {
  it("gives the same lines in whatever pieces the bytes come", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.integer({ min: 1, max: 9 }), (text, pieceBytes) => {
        const whole = bytes(text.replaceAll("\r", ""));
        const splitter = new LineSplitter();
        const lines: string[] = [];
        for (let at = 0; at < whole.byteLength; at += pieceBytes) {
          lines.push(...splitter.push(whole.subarray(at, at + pieceBytes)));
        }
        lines.push(...splitter.end());
        const expected = text.replaceAll("\r", "").split("\n");
        if (expected.at(-1) === "") expected.pop();
        expect(lines).toEqual(expected);
      }),
    );
  });

  it("cuts a line above the limit and drops its rest, however long", () => {
    const splitter = new LineSplitter(4);
    expect(splitter.push(bytes("abcdef"))).toEqual([]);
    expect(splitter.push(bytes("ghi\r\nxyz\n"))).toEqual(["abcd …[cut]", "xyz"]);
    expect(splitter.end()).toEqual([]);
  });
});
