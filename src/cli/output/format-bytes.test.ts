import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { bytesField, formatBytes, formatBytesLine, formatSize } from "./format-bytes.ts";
import { compactText, listText, objectText } from "./json-text.ts";

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("formatBytes() and formatBytesLine()", () => {
  it.each([
    ["plain text", "plain text", "plain text"],
    ['{ "a": [1, "b c"] }', '{ "a": [1, "b c"] }', '{"a":[1,"b c"]}'],
    ["12345678901234567890.10", "12345678901234567890.10", "12345678901234567890.10"],
    ["two\nlines\t!", "two\nlines\t!", "two\\nlines\\t!"],
    ["\u001b[2J", "0x1b5b324a", "0x1b5b324a"],
    ["\u0000", "0x00", "0x00"],
    ["", "", ""],
  ])("show %j", (text, whole, line) => {
    expect(formatBytes(bytesOf(text))).toBe(whole);
    expect(formatBytesLine(bytesOf(text))).toBe(line);
  });

  it("show any bytes on one line without control characters", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
        expect(formatBytesLine(bytes)).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
      }),
    );
  });
});

describe("bytesField()", () => {
  it("is JSON as it stands, text as a string, anything else base64", () => {
    expect(objectText(bytesField("value", bytesOf('{"n": 1.50}')))).toBe('{"value":{"n":1.50}}');
    expect(objectText(bytesField("value", bytesOf("text")))).toBe('{"value":"text"}');
    expect(objectText(bytesField("value", new Uint8Array([255])))).toBe('{"value_base64":"/w=="}');
  });
});

describe("compactText()", () => {
  it("means what it meant before", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value, undefined, 2);
        expect(compactText(text)).toBe(JSON.stringify(value));
      }),
    );
  });
});

describe("listText()", () => {
  it("puts one item on a line", () => {
    expect(listText([])).toBe("[]");
    expect(listText(["1", "{}"])).toBe("[\n\t1,\n\t{}\n]");
  });
});

describe("formatSize()", () => {
  it.each([
    [0, "0 B"],
    [999, "999 B"],
    [1_000, "1.0 kB"],
    [1_440_000, "1.4 MB"],
    [3_000_000_000_000_000, "3000.0 TB"],
  ])("says %d as %s", (bytes, text) => {
    expect(formatSize(bytes)).toBe(text);
  });
});
