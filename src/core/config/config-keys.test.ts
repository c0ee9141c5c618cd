import { describe, expect, it } from "bun:test";
import { randomBytes } from "node:crypto";
import { chmod, readdir, rm, stat } from "node:fs/promises";
import { expectError } from "#conformance/expect-error.ts";
import { createTempFolder } from "#testing/temp-folder.ts";
import { openConfigKeys } from "./config-keys.ts";

describe("openConfigKeys()", () => {
  it("makes a file with one key that only its owner reads", async () => {
    await using folder = await createTempFolder();
    const path = `${folder.path}/home/config_secret_key`;
    const keys = await openConfigKeys(path);
    const [line = "", ...rest] = (await Bun.file(path).text()).split("\n");
    expect(Buffer.from(line, "base64").length).toBe(32);
    expect(rest).toEqual([""]);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(`${folder.path}/home`)).toEqual(["config_secret_key"]);
    expect((await openConfigKeys(path)).current).toEqual(keys.current);
  });

  it("takes a file that others could read from them", async () => {
    await using folder = await createTempFolder();
    const path = `${folder.path}/key`;
    await openConfigKeys(path);
    await chmod(path, 0o644);
    await openConfigKeys(path);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it("names the line that is no key, and does not show it", async () => {
    await using folder = await createTempFolder();
    const path = `${folder.path}/key`;
    await Bun.write(path, `${randomBytes(32).toString("base64")}\nhunter2\n`);
    const { detail } = await expectError(openConfigKeys(path), "failed_precondition");
    expect(detail).toBe(`${path} line 2 is not a key: it must be base64 of 32 bytes`);
    await Bun.write(path, "\n");
    expect((await expectError(openConfigKeys(path), "failed_precondition")).detail).toContain("holds no key");
  });

  it("says so when the file cannot be made", async () => {
    await using folder = await createTempFolder();
    await Bun.write(`${folder.path}/file`, "");
    await expectError(openConfigKeys(`${folder.path}/file/key`), "unavailable");
  });
});

describe("ConfigKeys", () => {
  it("seals with the key that was added, and still finds the others until they are dropped", async () => {
    await using folder = await createTempFolder();
    const path = `${folder.path}/key`;
    const keys = await openConfigKeys(path);
    const first = keys.current;
    await keys.add();
    expect(keys.current.id).not.toBe(first.id);
    expect(keys.find(first.id)).toEqual(first);
    expect((await openConfigKeys(path)).find(first.id)).toEqual(first);
    await keys.dropOld();
    expect(keys.find(first.id)).toBeUndefined();
    expect((await openConfigKeys(path)).current).toEqual(keys.current);
  });

  it("takes up what another process wrote", async () => {
    await using folder = await createTempFolder();
    const path = `${folder.path}/key`;
    const keys = await openConfigKeys(path);
    const other = await openConfigKeys(path);
    await other.add();
    await keys.refresh();
    expect(keys.current).toEqual(other.current);
  });

  it("writes its keys again where the file is gone", async () => {
    await using folder = await createTempFolder();
    const path = `${folder.path}/key`;
    const keys = await openConfigKeys(path);
    await rm(path);
    await keys.refresh();
    expect((await openConfigKeys(path)).current).toEqual(keys.current);
  });
});
