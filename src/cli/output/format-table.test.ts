import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { formatTable } from "./format-table.ts";

describe("formatTable()", () => {
  it("pads columns to the widest cell", () => {
    expect(
      formatTable([
        ["NAME", "VERSION"],
        ["helloworld", "latest"],
      ]),
    ).toEqual(["NAME        VERSION", "helloworld  latest"]);
  });

  it("shows control characters instead of sending them to the terminal", () => {
    expect(formatTable([["a\u001b[2Jb\nc"]])).toEqual(["a\\u001b[2Jb\\nc"]);
  });

  it("starts a column at the same place in every row", () => {
    const cell = fc.stringMatching(/^[a-z]{0,12}$/);
    fc.assert(
      fc.property(fc.array(fc.tuple(cell, cell), { minLength: 1 }), (rows) => {
        const width = Math.max(...rows.map(([first]) => first.length));
        formatTable(rows).forEach((line, index) => {
          expect(line).toBe(`${rows[index]?.[0].padEnd(width)}  ${rows[index]?.[1]}`.trimEnd());
        });
      }),
    );
  });
});
