import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { cleanPath, resolvePath } from "./path-table.ts";

describe("resolvePath()", () => {
  const table: readonly (readonly [path: string, service: string, endpoint: string])[] = [
    ["/helloworld", "helloworld", "Helloworld.Call"],
    ["/helloworld/Call", "helloworld", "Helloworld.Call"],
    ["/helloworld/call/", "helloworld", "Helloworld.Call"],
    ["/auth/accounts/list", "auth", "Accounts.List"],
    ["/auth/Accounts/List", "auth", "Accounts.List"],
    ["/registry/listServices", "registry", "Registry.ListServices"],
    ["/registry/registry/list-services", "registry", "Registry.ListServices"],
    ["/v1/foo/bar", "v1.foo", "Foo.Bar"],
    ["/v1/foo", "v1", "V1.Foo"],
    ["/v1/foo/bar/baz", "v1.foo", "Bar.Baz"],
    ["/v12/foo/bar", "v12.foo", "Foo.Bar"],
    ["/version/foo/bar", "version", "Foo.Bar"],
    ["/users-api/x", "users-api", "UsersApi.X"],
    ["/a/b/c/d", "a.b", "C.D"],
    ["/a/b/c/d/e", "a.b.c", "D.E"],
    ["/%68ello", "hello", "Hello.Call"],
  ];
  for (const [path, service, endpoint] of table) {
    it(`takes ${path} for ${service} ${endpoint}`, () => expect(resolvePath(path)).toEqual({ service, endpoint }));
  }

  for (const path of [
    "/",
    "",
    "//",
    "/%",
    "/a b",
    "/a/b.c",
    "/%2e%2e/x",
    "/a/%00",
    `/${"a".repeat(300)}`,
    "/ä",
    "/-",
  ]) {
    it(`takes ${JSON.stringify(path.slice(0, 20))} for no call`, () => expect(resolvePath(path)).toBeUndefined());
  }

  it("gives only names that are safe in a path of an RPC, whatever it gets", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.webPath(), fc.stringMatching(/^[/a.%-]*$/)), (path) => {
        const route = resolvePath(path);
        if (route === undefined) return;
        expect(route.service).toMatch(/^[A-Za-z0-9][\w.-]*$/);
        expect(route.service).not.toContain("..");
        expect(route.endpoint).toMatch(/^\w+\.\w+$/);
      }),
    );
  });

  it("does not care about a trailing slash", () => {
    fc.assert(
      fc.property(fc.webPath(), (path) => {
        expect(resolvePath(`${path}/`)).toEqual(resolvePath(path));
      }),
    );
  });
});

describe("cleanPath()", () => {
  for (const [path, clean] of [
    ["//a", "/a"],
    ["/a/../b", "/b"],
    ["/../../a", "/a"],
    ["/a/./b/", "/a/b/"],
    ["/a//", "/a/"],
    ["/..", "/"],
    ["//evil.example/x", "/evil.example/x"],
  ] as const) {
    it(`makes ${path} into ${clean}`, () => expect(cleanPath(path)).toBe(clean));
  }

  it("leaves clean paths alone, and is done after one time", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^\/[/a.b]*$/), (path) => {
        const clean = cleanPath(path);
        if (clean === undefined) return;
        expect(clean).toMatch(/^\/(?!\/)/);
        expect(cleanPath(clean)).toBeUndefined();
      }),
    );
  });

  it("takes dots inside a name for a part of it", () => {
    for (const path of ["/", "/a", "/a/", "/a..b", "/.a", "/a.", "/..a"]) expect(cleanPath(path)).toBeUndefined();
  });
});
