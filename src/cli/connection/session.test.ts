import { describe, expect, it } from "bun:test";
import { FlagValues } from "#cli/arguments/flag-values.ts";
import { createTempFolder } from "#testing/temp-folder.ts";
import { currentUserKey } from "./current-user.ts";
import { Session } from "./session.ts";

const login = btoa('{"access_token":"a","refresh_token":"r","created":1,"expiry":99999999999}');

/** Who commands act as, in each namespace, with these settings and these logins (`namespace/account`). */
async function currentLogins(settings: object, logins: readonly string[], namespaces: readonly string[]) {
  await using folder = await createTempFolder();
  await Bun.write(`${folder.path}/config.json`, JSON.stringify({ env: "local", ...settings }));
  await Bun.write(`${folder.path}/tokens`, logins.map((each) => `micro://127.0.0.1:8081/${each}:${login}\n`).join(""));
  return namespaces.map((namespace) => {
    const variables = { MICRO_HOME: folder.path, MICRO_NAMESPACE: namespace };
    const key = new Session(variables, new FlagValues(new Map())).currentLogin()?.key;
    return key === undefined ? undefined : `${key.namespace}/${key.account}`;
  });
}

describe("Session.currentLogin()", () => {
  it("is another one in each namespace, and that of micro where there is none", async () => {
    const settings = { local: { "current-user": "admin", "current-users": { foo: "fred", "foo/bar": "frida" } } };
    const logins = ["micro/admin", "foo/fred", "foo.bar/frida"];
    expect(await currentLogins(settings, logins, ["micro", "foo", "foo.bar", "shop"])).toEqual([
      "micro/admin",
      "foo/fred",
      "foo.bar/frida",
      "micro/admin",
    ]);
  });

  it("is found in files that know one current user for all namespaces", async () => {
    const settings = { local: { "current-user": "fred" } };
    expect(await currentLogins(settings, ["foo/fred"], ["foo", "micro"])).toEqual(["foo/fred", undefined]);
    expect(await currentLogins(settings, ["micro/fred"], ["foo", "micro"])).toEqual(["micro/fred", "micro/fred"]);
  });

  it("is none after logging out, also while another account has a login", async () => {
    const settings = { local: { "current-user": "", "current-users": { foo: "" } } };
    expect(await currentLogins(settings, ["micro/admin", "foo/fred"], ["micro", "foo"])).toEqual([
      undefined,
      undefined,
    ]);
  });
});

describe("currentUserKey()", () => {
  it("keeps namespaces apart whose names begin alike", () => {
    expect(["micro", "a", "a.b"].map((namespace) => currentUserKey("local", namespace))).toEqual([
      "local.current-user",
      "local.current-users.a",
      "local.current-users.a/b",
    ]);
  });
});
