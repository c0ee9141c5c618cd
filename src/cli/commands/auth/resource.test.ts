import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { CommandError } from "#cli/command-error.ts";
import { formatResource, parseResource } from "./resource.ts";

describe("parseResource()", () => {
  it("reads back every resource, colons in its name too, and refuses all else", () => {
    const word = fc.stringMatching(/^[^:\n]{1,12}$/);
    const name = fc.stringMatching(/^[^\n]{1,20}$/);
    fc.assert(
      fc.property(word, name, word, (type, text, endpoint) => {
        const resource = { type, name: text, endpoint };
        expect(parseResource(formatResource(resource))).toEqual(resource);
      }),
    );
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          expect(formatResource({ ...parseResource(text) })).toBe(text);
        } catch (reason) {
          expect(reason).toBeInstanceOf(CommandError);
        }
      }),
    );
  });
});
