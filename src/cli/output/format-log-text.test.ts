import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { formatLogText } from "./format-log-text.ts";

describe("formatLogText()", () => {
  it("shows lines of JSON as one shows them", () => {
    const pino = '{"level":30,"time":1769860800000,"pid":7,"msg":"hello there","user":"a b"}';
    expect(formatLogText(pino, "info")).toBe('2026-01-31T12:00:00.000Z info  hello there pid=7 user="a b"');
    const zap = '{"level":"error","ts":1769860800.5,"msg":"lost","err":{"code":5}}';
    expect(formatLogText(zap, "error")).toBe('2026-01-31T12:00:00.500Z error lost err={"code":5}');
    expect(formatLogText('{"message":"bare\\nline"}', "")).toBe("bare\\nline");
  });

  it("leaves everything else as it is", () => {
    for (const text of ["plain", '{"no":"message"}', "{broken", "[1]", ""]) expect(formatLogText(text, "")).toBe(text);
  });

  it("makes one line of any object", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.string(), (fields, msg) => {
        expect(formatLogText(JSON.stringify({ ...fields, msg }), "warn")).not.toMatch(/[\n\r]/);
      }),
    );
  });
});
