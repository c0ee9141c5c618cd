import { describe, expect, it } from "bun:test";
import { existsSync, statSync } from "node:fs";
import fc from "fast-check";
import { createTempFolder } from "#testing/temp-folder.ts";
import { ConfigFile } from "./config-file.ts";
import { EnvironmentList } from "./environment-list.ts";

describe("ConfigFile", () => {
  it("reads without making a file", async () => {
    await using folder = await createTempFolder();
    const config = new ConfigFile(`${folder.path}/m/config.json`);
    expect(config.get("env")).toBe("local");
    expect(config.get("git.baseurl")).toBeUndefined();
    expect(existsSync(`${folder.path}/m`)).toBe(false);
  });

  it("keeps what it does not know and writes for the owner only", async () => {
    await using folder = await createTempFolder();
    const path = `${folder.path}/config.json`;
    await Bun.write(path, '{"env":"local","micro":{"auth":{"local":{"token":""}}}}');
    await new ConfigFile(path).set({ "git.baseurl": "x", "git.local.baseurl": "y" });
    expect(await Bun.file(path).json()).toEqual({
      env: "local",
      micro: { auth: { local: { token: "" } } },
      git: { baseurl: "x", local: { baseurl: "y" } },
    });
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it("loses no change when many write at the same time", async () => {
    await using folder = await createTempFolder();
    const config = new ConfigFile(`${folder.path}/config.json`);
    await Promise.all(Array.from({ length: 10 }, (_, index) => config.set({ [`a.k${index}`]: String(index) })));
    for (let index = 0; index < 10; index += 1) expect(config.get(`a.k${index}`)).toBe(String(index));
  });

  it("gives back what was set, whatever the value", async () => {
    await using folder = await createTempFolder();
    const config = new ConfigFile(`${folder.path}/config.json`);
    const key = fc.array(fc.stringMatching(/^[a-z-]{1,8}$/), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(key, fc.string({ minLength: 1 }), async (parts, value) => {
        await config.set({ [parts.join(".")]: value });
        expect(config.get(parts.join("."))).toBe(value);
      }),
      { numRuns: 30 },
    );
  });

  it("names a file that is no JSON object", async () => {
    await using folder = await createTempFolder();
    await Bun.write(`${folder.path}/config.json`, "{oops");
    expect(() => new ConfigFile(`${folder.path}/config.json`).get("env")).toThrow("is not a JSON object");
  });
});

describe("EnvironmentList", () => {
  it("writes environments in the form of Micro's command line", async () => {
    await using folder = await createTempFolder();
    const path = `${folder.path}/config.json`;
    const list = new EnvironmentList(new ConfigFile(path));
    await list.add({ name: "prod", address: "proxy.example.com", description: "" });
    await list.select("prod");
    expect(await Bun.file(path).json()).toEqual({
      env: "prod",
      envs: '{"prod":{"Name":"prod","ProxyAddress":"proxy.example.com","Description":""}}',
    });
    expect(list.all().map(({ name }) => name)).toEqual(["local", "prod"]);
    expect(list.remove("prod")).rejects.toThrow("is the current one");
    await list.select("local");
    await list.remove("prod");
    expect(list.find("prod")).toBeUndefined();
  });
});
