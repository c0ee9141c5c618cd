import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { MicroError } from "#base/error.ts";
import { writeMask, writeNode } from "./config-node.ts";
import { parseJson } from "./parse-json.ts";

function canonical(text: string): string {
  return writeNode(parseJson(text), writeMask);
}

function refusal(text: string): string {
  try {
    parseJson(text);
  } catch (reason) {
    return MicroError.from(reason).detail;
  }
  throw new Error("expected a refusal");
}

describe("parseJson()", () => {
  it("reads what JSON.parse reads, to the same value, compact and with sorted keys", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(undefined, 1, "\t"), (value, space) => {
        const text = canonical(JSON.stringify(value, undefined, space));
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(canonical(text)).toBe(text);
        expect(text).toBe(toSortedText(JSON.parse(text)));
      }),
    );
  });

  it("accepts and refuses the same texts as JSON.parse", () => {
    const pieces = [
      "{",
      "}",
      "[",
      "]",
      ",",
      ":",
      '"a"',
      '"\\u00e',
      '"',
      "\\",
      "1",
      "-",
      ".5",
      "e+2",
      "0",
      "true",
      "nul",
      " ",
      "\n",
      "\u00a0",
    ];
    const text = fc.oneof(
      fc.array(fc.constantFrom(...pieces), { maxLength: 8 }).map((parts) => parts.join("")),
      fc.tuple(fc.json(), fc.nat(), fc.constantFrom(...pieces)).map(([json, at, piece]) => {
        const place = at % (json.length + 1);
        return json.slice(0, place) + piece + json.slice(place);
      }),
    );
    fc.assert(
      fc.property(text, (each) => {
        expect(isAccepted(() => parseJson(each))).toBe(isAccepted(() => JSON.parse(each)));
      }),
      { numRuns: 2_000 },
    );
  });

  it("keeps the digits of every number", () => {
    const digits = fc.stringMatching(/^-?(0|[1-9]\d{0,40})(\.\d{1,40})?([eE][+-]?\d{1,4})?$/);
    fc.assert(fc.property(digits, (text) => expect(canonical(`{"a":[${text}]}`)).toBe(`{"a":[${text}]}`)));
  });

  it("says where the text is wrong and shows nothing of it", () => {
    expect(refusal('{"a":hunter2}')).toBe("Request is invalid JSON: expected a value at character 6");
    expect(refusal('{"hunter2"}')).toBe('Request is invalid JSON: expected ":" at character 11');
    expect(refusal('"hunter2')).toBe("Request is invalid JSON: expected a complete string at character 1");
    expect(refusal("[1")).toBe('Request is invalid JSON: expected "," or "]" at its end');
    expect(refusal("1 hunter2")).toBe("Request is invalid JSON: expected nothing more at character 3");
  });

  it("reads a long string and a long list in one piece", () => {
    const text = JSON.stringify(['\\"x'.repeat(500_000), ...Array.from({ length: 200_000 }, (_, index) => index)]);
    expect(canonical(text)).toBe(text);
  });
});

function isAccepted(work: () => unknown): boolean {
  try {
    work();
    return true;
  } catch {
    return false;
  }
}

/** JSON with sorted keys, as the platform writes the rest of it. */
function toSortedText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(toSortedText).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1));
  return `{${fields.map(([key, each]) => `${JSON.stringify(key)}:${toSortedText(each)}`).join(",")}}`;
}
