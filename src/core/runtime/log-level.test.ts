import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { logLevels } from "#base/logger.ts";
import { findLogLevel } from "./log-level.ts";

describe("findLogLevel()", () => {
  it("knows how the usual loggers state it", () => {
    const lines = {
      "2026-01-31T12:00:00.000Z warn  slow answer a=1": "warn",
      "2026-01-31 12:00:00,123 ERROR root: boom": "error",
      "ERROR:root:boom": "error",
      "[debug] x": "debug",
      'time=2026-01-31T12:00:00Z level=INFO msg="a b"': "info",
      "2026-01-31T12:00:00.000Z\tFATAL\tmain.go:7\tgone": "error",
      '{"level":30,"time":1769860800000,"msg":"x"}': "info",
      '{"level":"warn","ts":1769860800.1,"msg":"x"}': "warn",
      '{"severity":"CRITICAL","message":"x"}': "error",
      '{"@l":"Warning","@m":"x"}': "warn",
      '{"log.level":"notice","message":"x"}': "info",
    };
    for (const [text, level] of Object.entries(lines))
      expect([text, findLogLevel(text)]).toEqual([text, level as never]);
  });

  it("says nothing of lines that state none", () => {
    for (const text of [
      "",
      "hello",
      "errors are here",
      "information is power!",
      '{"level":null}',
      '{"level":7}',
      "{oops",
      "[]",
    ]) {
      expect([text, findLogLevel(text)]).toEqual([text, undefined]);
    }
  });

  it("answers for any text", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        const level = findLogLevel(text);
        expect(level === undefined || logLevels.includes(level)).toBe(true);
      }),
    );
  });
});
