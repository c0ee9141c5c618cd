import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { belongsToWhole, filesAbove, isScanned, namesAbove } from "./source-root.ts";

describe("namesAbove()", () => {
  it("finds paths that lead out of the folder, from the file that names them", () => {
    expect(namesAbove("index.ts", 'import "../shared/a.ts"')).toBe(true);
    expect(namesAbove("index.ts", 'import x from ".."')).toBe(true);
    expect(namesAbove("src/index.ts", 'import "../a.ts"')).toBe(false);
    expect(namesAbove("src/index.ts", "from '../../shared'")).toBe(true);
    expect(namesAbove("src/index.ts", "from '..'")).toBe(false);
    expect(namesAbove("go.mod", "replace example.com/x => ../x")).toBe(true);
    expect(namesAbove("tsconfig.json", '{"extends": "../../tsconfig.json"}')).toBe(true);
    expect(namesAbove("index.ts", 'import "./a.ts"; f(...args); "a..b"')).toBe(false);
  });

  it("finds every path that leads out, however deep the file and the path", () => {
    fc.assert(
      fc.property(fc.nat(4), fc.nat(6), (depth, steps) => {
        const path = `${"a/".repeat(depth)}x.ts`;
        expect(namesAbove(path, `import "${"../".repeat(steps)}y.ts"`)).toBe(steps > depth);
      }),
    );
  });
});

describe("isScanned()", () => {
  it("takes code and settings, and no prose", () => {
    for (const path of ["a.ts", "b/c.py", "go.mod", "Makefile", "x/Dockerfile", ".env", "a.json", "run.sh"]) {
      expect({ path, isScanned: isScanned(path) }).toEqual({ path, isScanned: true });
    }
    for (const path of ["README.md", "a.txt", "a.png", "x/y.html"]) expect(isScanned(path)).toBe(false);
  });
});

describe("belongsToWhole()", () => {
  const nothing = { isProject: true, paths: [], packages: [] };

  it("lets a project of its own stand alone, and a folder where nothing above is one", () => {
    expect(belongsToWhole(nothing)).toBe(false);
    expect(belongsToWhole({ ...nothing, paths: ["package.json"], packages: ["{}"] })).toBe(false);
    expect(belongsToWhole({ ...nothing, isProject: false })).toBe(false);
  });

  it("keeps workspaces together, and folders that have no dependencies of their own", () => {
    expect(belongsToWhole({ ...nothing, paths: ["package.json"], packages: ['{"workspaces": ["a"]}'] })).toBe(true);
    expect(belongsToWhole({ ...nothing, paths: ["x/go.work"] })).toBe(true);
    expect(belongsToWhole({ ...nothing, paths: ["package.json"], packages: ["not JSON"] })).toBe(true);
    expect(belongsToWhole({ isProject: false, paths: ["package.json"], packages: ["{}"] })).toBe(true);
  });
});

describe("filesAbove()", () => {
  it("asks every folder above, up to the root", () => {
    expect(filesAbove("a/b")).toContain("a/package.json");
    expect(filesAbove("a/b")).toContain("package.json");
    expect(filesAbove("a/b")).not.toContain("a/b/package.json");
    expect(filesAbove("a")).toContain("go.work");
  });
});
