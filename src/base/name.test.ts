import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { isName, requireName } from "./name.ts";

describe("isName()", () => {
  it("takes the names that people use", () => {
    for (const name of ["helloworld", "v1.foo", "my-svc", "A1"]) expect(isName("service", name)).toBe(true);
    for (const id of ["admin", "jane@example.com", "greeter-1.0.0"]) expect(isName("account", id)).toBe(true);
  });

  it("never takes a name that could leave its folder", () => {
    fc.assert(
      fc.property(fc.string(), fc.constantFrom("/", "..", "\\", "\0", "\n"), fc.string(), (before, bad, after) => {
        for (const kind of ["service", "namespace", "account", "database", "table"] as const) {
          expect(isName(kind, before + bad + after)).toBe(false);
        }
      }),
    );
  });

  it("has a longest length", () => {
    expect(isName("service", "a".repeat(128))).toBe(true);
    expect(isName("service", "a".repeat(129))).toBe(false);
  });
});

describe("requireName()", () => {
  it("says which name is wrong", () => {
    expect(() => requireName("table", "../x")).toThrow('"../x" is not a table name');
    expect(() => requireName("table", "")).toThrow("table name is missing");
  });
});
