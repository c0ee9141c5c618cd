import { describe, expect, it } from "bun:test";
import { mkdir, readdir, rm, stat, symlink } from "node:fs/promises";
import { createTempFolder } from "#testing/temp-folder.ts";
import { openSocketFolder, socketPath } from "./socket-folder.ts";

describe("openSocketFolder()", () => {
  it("is below the runtime, for its owner only, without the sockets of an earlier server", async () => {
    await using temp = await createTempFolder();
    await Bun.write(`${temp.path}/run/old.sock`, "");
    await Bun.write(`${temp.path}/run/old.sock.http`, "");
    await Bun.write(`${temp.path}/run/a.process.json`, "{}");
    const folder = openSocketFolder(temp.path);
    expect(folder).toBe(`${temp.path}/run`);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect(await readdir(folder)).toEqual(["a.process.json"]);
  });

  it("is a short one elsewhere when the path is too long for a socket, the same each time", async () => {
    await using temp = await createTempFolder();
    const long = `${temp.path}/${"long/".repeat(30)}`;
    await mkdir(long, { recursive: true });
    const folder = openSocketFolder(long);
    expect(`${socketPath(folder, "0123456789ab")}.http`.length).toBeLessThanOrEqual(103);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect(openSocketFolder(long)).toBe(folder);
    await rm(folder, { recursive: true });
    await symlink(temp.path, folder);
    expect(() => openSocketFolder(long)).toThrow("belongs to somebody else");
    await rm(folder);
  });
});
