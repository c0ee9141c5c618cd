import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { RequestIds } from "./request-ids.ts";

describe("RequestIds.take()", () => {
  it("gives what fits into a header and a line of a log, whatever it is given, and never one twice", () => {
    const ids = new RequestIds();
    const made = new Set<string>();
    fc.assert(
      fc.property(fc.option(fc.string({ unit: "binary", maxLength: 200 }), { nil: undefined }), (given) => {
        const id = ids.take(given);
        expect(id).toMatch(/^[\w.:+/=@-]{1,128}$/);
        if (id === given) return;
        expect(made.has(id)).toBe(false);
        made.add(id);
      }),
    );
  });
});
