import { describe, expect, it } from "bun:test";
import { readFileSync, statSync } from "node:fs";
import fc from "fast-check";
import { createTempFolder } from "#testing/temp-folder.ts";
import { MicroError } from "#base/error.ts";
import { LoginFile, type Login } from "./login-file.ts";
import { refreshLogin } from "./refresh-login.ts";

const key = { address: "127.0.0.1:8081", namespace: "micro", account: "admin" };
const login: Login = { accessToken: "a", refreshToken: "r", created: 10, expiry: 20 };

describe("LoginFile", () => {
  it("reads the lines that Micro's command line writes", async () => {
    await using folder = await createTempFolder();
    const json = '{"access_token":"a","refresh_token":"r","created":"2020-01-01T00:00:00Z","expiry":1577836860}';
    await Bun.write(`${folder.path}/tokens`, `micro://127.0.0.1:8081/micro/admin:${btoa(json)}\n`);
    expect(new LoginFile(`${folder.path}/tokens`).read(key)).toEqual({
      accessToken: "a",
      refreshToken: "r",
      created: 1_577_836_800,
      expiry: 1_577_836_860,
    });
  });

  it("writes a file that only its owner can read, and keeps the other lines", async () => {
    await using folder = await createTempFolder();
    const path = `${folder.path}/tokens`;
    const file = new LoginFile(path);
    const other = { ...key, account: "user@example.com:1" };
    await file.locked(async (locked) => locked.write(key, login));
    await file.locked(async (locked) => locked.write(other, { ...login, accessToken: "b" }));
    await file.locked(async (locked) => locked.write(key, { ...login, accessToken: "c" }));
    expect(file.read(key)?.accessToken).toBe("c");
    expect(file.read(other)?.accessToken).toBe("b");
    expect(readFileSync(path, "utf8").trimEnd().split("\n")).toHaveLength(2);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    await file.locked(async (locked) => locked.remove(key));
    expect(file.read(key)).toBeUndefined();
    expect(file.read(other)).toBeDefined();
  });

  it("reads any file without failing", async () => {
    await using folder = await createTempFolder();
    const path = `${folder.path}/tokens`;
    await fc.assert(
      fc.asyncProperty(fc.string(), fc.string(), async (before, encoded) => {
        await Bun.write(path, `${before}\nmicro://127.0.0.1:8081/micro/admin:${encoded}\n`);
        new LoginFile(path).read(key);
      }),
    );
  });
});

describe("refreshLogin()", () => {
  it("uses a refresh token once, however many commands want a new login at the same time", async () => {
    await using folder = await createTempFolder();
    const logins = new LoginFile(`${folder.path}/tokens`);
    await logins.locked(async (locked) => locked.write(key, login));
    const used: unknown[] = [];
    const requestToken = async (body: unknown): Promise<unknown> => {
      used.push(body);
      return { token: { access_token: "new", refresh_token: "r2", created: "1000", expiry: "9000" } };
    };
    const deps = { logins, requestToken, now: () => 1_000_000 };
    const all = await Promise.all([1, 2, 3].map(() => refreshLogin(deps, { key, login })));
    expect(all.map(({ accessToken }) => accessToken)).toEqual(["new", "new", "new"]);
    expect(used).toEqual([{ refresh_token: "r", token_expiry: 86_400, options: { namespace: "micro" } }]);
    expect(logins.read(key)?.refreshToken).toBe("r2");
  });

  it("says that the login has expired when the server refuses the refresh token", async () => {
    await using folder = await createTempFolder();
    const logins = new LoginFile(`${folder.path}/tokens`);
    await logins.locked(async (locked) => locked.write(key, login));
    const requestToken = (): Promise<unknown> =>
      Promise.reject(new MicroError("invalid_argument", "invalid token provided"));
    const refreshing = refreshLogin({ logins, requestToken }, { key, login });
    expect(refreshing).rejects.toMatchObject({ exitCode: 2, code: "unauthenticated" });
    await refreshing.catch(() => undefined);
  });
});
