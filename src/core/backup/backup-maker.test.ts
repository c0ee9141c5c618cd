import { describe, expect, it } from "bun:test";
import { existsSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { createTempFolder } from "#testing/temp-folder.ts";
import { resolveHome } from "#base/home.ts";
import { archiveOf, makerOf, readTree, treePart, writeTree } from "./backup-fixture.ts";
import { FilesPart } from "./home-files.ts";

const { signal } = new AbortController();

describe("BackupMaker.make()", () => {
  it("gives an archive that the system's tar can list, and says its size", async () => {
    await using folder = await createTempFolder();
    const long = `${"deep/".repeat(40)}file.txt`;
    const maker = makerOf({
      workFolder: `${folder.path}/work`,
      parts: [treePart("store", { "store.sqlite": "records", [long]: "x" }), treePart("events", {})],
    });
    let sizeBytes = 0;
    const pieces = await Array.fromAsync(
      maker.make((archive) => {
        sizeBytes = archive.sizeBytes;
        return archive.pieces();
      }, signal),
    );
    const bytes = Buffer.concat(pieces);
    expect(bytes.length).toBe(sizeBytes);
    await writeFile(`${folder.path}/a.tar`, bytes);
    const listed = Bun.spawnSync(["tar", "-tf", `${folder.path}/a.tar`]);
    expect(listed.stdout.toString().trimEnd().split("\n")).toEqual([
      "manifest.json",
      `store/${long}`,
      "store/store.sqlite",
    ]);
  });

  it("makes one at a time, and leaves nothing behind when its reader leaves", async () => {
    await using folder = await createTempFolder();
    const workFolder = `${folder.path}/work`;
    const maker = makerOf({ workFolder, parts: [treePart("store", { a: "1" })] });
    const first = maker.make((archive) => archive.pieces(), signal);
    await first.next();
    expect(existsSync(workFolder)).toBe(true);
    await expect(archiveOf(maker)).rejects.toThrow("another backup is being made");
    await first.return(undefined);
    expect(existsSync(workFolder)).toBe(false);
    expect((await archiveOf(maker)).length).toBeGreaterThan(0);
  });

  it("removes what an earlier process left", async () => {
    await using folder = await createTempFolder();
    const workFolder = `${folder.path}/work`;
    await writeTree(workFolder, { "store/old": "left over" });
    const bytes = await archiveOf(makerOf({ workFolder, parts: [treePart("store", { a: "1" })] }));
    expect(Buffer.from(bytes).includes("left over")).toBe(false);
  });

  it("holds removals while parts are copied, and no longer", async () => {
    await using folder = await createTempFolder();
    const seen: string[] = [];
    const maker = makerOf({
      workFolder: `${folder.path}/work`,
      parts: ["store", "blobs"].map((name) => ({ name, copyTo: async () => void seen.push(name) })),
      hold: () => {
        seen.push("hold");
        return { [Symbol.dispose]: () => void seen.push("release") };
      },
    });
    await archiveOf(maker);
    expect(seen).toEqual(["hold", "store", "blobs", "release"]);
  });

  it("says that the state could not be copied, and is ready for the next", async () => {
    await using folder = await createTempFolder();
    let isBroken = true;
    const copyTo = async (): Promise<void> => {
      if (isBroken) throw Object.assign(new Error("disk"), { code: "ENOSPC" });
    };
    const maker = makerOf({ workFolder: `${folder.path}/work`, parts: [{ name: "store", copyTo }] });
    await expect(archiveOf(maker)).rejects.toThrow("the server could not copy its state (ENOSPC)");
    isBroken = false;
    await archiveOf(maker);
  });
});

describe("FilesPart.copyTo()", () => {
  it("copies keys and sources, and nothing else of the home", async () => {
    await using folder = await createTempFolder();
    const paths = resolveHome({ MICRO_HOME: `${folder.path}/home` });
    await writeTree(paths.home, {
      id_rsa: "private",
      tokens: "mine",
      "runtime/sources/abc/index.ts": "code",
      "runtime/sources/abc/.env": "setting",
      "runtime/sources/.incoming-1/half": "x",
      "runtime/node_modules/micro-ts/x": "x",
    });
    await mkdir(`${folder.path}/copy`);
    await new FilesPart(paths).copyTo(`${folder.path}/copy`);
    expect(await readTree(`${folder.path}/copy`)).toEqual({
      id_rsa: "private",
      "runtime/sources/abc/.env": "setting",
      "runtime/sources/abc/index.ts": "code",
    });
  });

  it("keeps what was there when records were copied, and what is there now", async () => {
    await using folder = await createTempFolder();
    const paths = resolveHome({ MICRO_HOME: `${folder.path}/home` });
    await writeTree(paths.home, { config_secret_key: "old key\n", "runtime/sources/old/a.ts": "old" });
    const change = async (): Promise<void> => {
      await rm(`${paths.runtimeFolder}/sources/old`, { recursive: true });
      await writeTree(paths.home, { config_secret_key: "new key\n", "runtime/sources/new/a.ts": "new" });
    };
    const workFolder = `${folder.path}/work`;
    const maker = makerOf({ workFolder, parts: [{ name: "store", copyTo: change }, new FilesPart(paths)] });
    let seen: unknown;
    const look = async function* (): AsyncGenerator<never> {
      seen = await readTree(`${workFolder}/files`);
    };
    await Array.fromAsync(maker.make(look, signal));
    expect(seen).toEqual({
      config_secret_key: "new key\nold key\n",
      "runtime/sources/new/a.ts": "new",
      "runtime/sources/old/a.ts": "old",
    });
  });
});
