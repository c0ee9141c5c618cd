import { describe, expect, it } from "bun:test";
import { mkdir, rename, stat, writeFile } from "node:fs/promises";
import fc from "fast-check";
import { resolveHome, type HomePaths } from "#base/home.ts";
import { encodeTarHeader, tarPadding } from "#base/tar-writer.ts";
import { createTempFolder, type TempFolder } from "#testing/temp-folder.ts";
import { archiveOf, makerOf, readTree, treePart, writeTree } from "./backup-fixture.ts";
import { checkBackup, restoreHome } from "./restore-home.ts";
import { finishRestore, stagingFolder, swapState } from "./restore-plan.ts";

const state = { "store/store.sqlite": "new records", "blobs/ab/cd": "new blob", id_rsa: "new key" };
const oldState = { "store/store.sqlite": "old records", "store/store.sqlite-wal": "wal", id_rsa: "old key" };
const nowMs = Date.UTC(2026, 1, 1, 8, 30);
const previous = "before-restore-20260201-083000";

interface World extends AsyncDisposable {
  readonly paths: HomePaths;
  readonly file: string;
  readonly archive: Uint8Array<ArrayBuffer>;
  restore(isForced?: boolean): ReturnType<typeof restoreHome>;
}

async function openWorld(): Promise<World> {
  const folder: TempFolder = await createTempFolder();
  const paths = resolveHome({ MICRO_HOME: `${folder.path}/home` });
  const parts = [
    treePart("store", { "store.sqlite": state["store/store.sqlite"] }),
    treePart("blobs", { "ab/cd": state["blobs/ab/cd"] }),
    treePart("files", { id_rsa: state.id_rsa }),
  ];
  const file = `${folder.path}/backup.tar`;
  const archive = await archiveOf(makerOf({ workFolder: `${folder.path}/work`, parts }));
  await writeFile(file, archive);
  await mkdir(paths.home);
  return {
    paths,
    file,
    archive,
    restore: (isForced = false) => restoreHome({ file, paths, version: "0.1.0", isForced, nowMs }),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

describe("restoreHome()", () => {
  it("brings everything back, readable by its owner only", async () => {
    await using world = await openWorld();
    const { manifest, previous: before } = await world.restore();
    expect(manifest.files.map(({ path }) => path)).toEqual(["blobs/ab/cd", "files/id_rsa", "store/store.sqlite"]);
    expect(before).toBeUndefined();
    expect(await readTree(world.paths.home)).toEqual(state);
    expect((await stat(world.paths.privateKeyFile)).mode & 0o777).toBe(0o600);
    expect((await stat(world.paths.blobFolder)).mode & 0o777).toBe(0o700);
  });

  it("refuses a home that is in use, and sets its state aside when forced", async () => {
    await using world = await openWorld();
    await writeTree(world.paths.home, { ...oldState, tokens: "mine" });
    await expect(world.restore()).rejects.toThrow("is in use (it has store)");
    expect(await readTree(world.paths.home)).toEqual({ ...oldState, tokens: "mine" });
    expect((await world.restore(true)).previous).toBe(`${world.paths.home}/${previous}`);
    expect(await readTree(world.paths.home, [previous])).toEqual({ ...state, tokens: "mine" });
    expect(await readTree(`${world.paths.home}/${previous}`)).toEqual(oldState);
    expect((await world.restore(true)).previous).toBe(`${world.paths.home}/${previous}-2`);
  });

  it("changes nothing for an archive that is cut off or damaged anywhere", async () => {
    await using world = await openWorld();
    await writeTree(world.paths.home, oldState);
    // The last block is a second block of zeros that says nothing.
    const last = world.archive.length - 1025;
    const damage = fc.oneof(
      fc.record({ at: fc.nat(last), isCut: fc.constant(true), bit: fc.constant(0) }),
      fc.record({ at: fc.nat(last), isCut: fc.constant(false), bit: fc.nat(7) }),
    );
    await fc.assert(
      fc.asyncProperty(damage, async ({ at, isCut, bit }) => {
        const bytes = isCut ? world.archive.slice(0, at) : world.archive.slice();
        if (!isCut) bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
        await writeFile(world.file, bytes);
        const result = await world.restore(true).then(
          () => "restored",
          (reason: unknown) => String(reason),
        );
        if (result !== "restored") {
          expect(result).toStartWith(`MicroError: ${world.file}: `);
          expect(await readTree(world.paths.home)).toEqual(oldState);
          return;
        }
        // What no checksum holds says nothing of the state: when it was made, and zeros that fill up blocks.
        expect(isCut).toBe(false);
        expect(await readTree(world.paths.home, [previous])).toEqual(state);
        const aside = `${world.paths.home}.aside`;
        await rename(world.paths.home, `${aside}-${crypto.randomUUID()}`);
        await writeTree(world.paths.home, oldState);
      }),
      { numRuns: 60 },
    );
  });

  it.each([
    ["store/../../outside", "leads outside"],
    ["/etc/passwd", "leads outside"],
    ["files/tokens", "which this micro does not know"],
    ["other/file", "which this micro does not know"],
  ])("refuses an archive that holds %s", async (path, message) => {
    await using world = await openWorld();
    const entry = { path, size: 0, sha256: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" };
    await writeFile(world.file, craft({ files: [entry] }));
    await expect(world.restore()).rejects.toThrow(message);
    expect(await readTree(world.paths.home)).toEqual({});
  });

  it.each([
    [{ format_version: 2 }, "it has format 2, this micro reads 1"],
    [{ micro_version: "0.2.0" }, "micro 0.2.0 made it, this is 0.1.0"],
    [{ format: "other" }, "its manifest is not one of micro"],
    [{ files: [1] }, "its manifest is damaged"],
    [{ created: "soon" }, "its manifest is damaged"],
  ])("refuses a manifest with %j", async (fields, message) => {
    await using world = await openWorld();
    await writeFile(world.file, craft(fields));
    await expect(checkBackup(world.file, { paths: world.paths, version: "0.1.0" })).rejects.toThrow(message);
  });
});

describe("finishRestore()", () => {
  it("forgets what was only unpacked", async () => {
    await using world = await openWorld();
    await writeTree(world.paths.home, oldState);
    await writeTree(stagingFolder(world.paths), state);
    expect(await finishRestore(world.paths)).toBe(false);
    expect(await readTree(world.paths.home)).toEqual(oldState);
  });

  it("goes on wherever a restore was cut off", async () => {
    const steps: readonly (readonly [string, string])[] = [
      ["store", `${previous}/store`],
      ["restore-work/new/store", "store"],
      ["restore-work/new/blobs", "blobs"],
      ["id_rsa", `${previous}/id_rsa`],
      ["restore-work/new/id_rsa", "id_rsa"],
    ];
    for (let done = 0; done <= steps.length; done += 1) {
      await using world = await openWorld();
      const { home } = world.paths;
      await writeTree(home, { ...oldState, config_secret_key: "old secret" });
      await writeTree(stagingFolder(world.paths), state);
      const plan = { previous, incoming: ["store", "blobs", "id_rsa"] };
      await writeFile(`${home}/restore-work/plan.json`, JSON.stringify(plan));
      await mkdir(`${home}/${previous}`);
      for (const [from, to] of steps.slice(0, done)) await rename(`${home}/${from}`, `${home}/${to}`);
      expect(await finishRestore(world.paths)).toBe(true);
      expect(await readTree(home, [previous])).toEqual(state);
      expect(await readTree(`${home}/${previous}`)).toEqual({ ...oldState, config_secret_key: "old secret" });
    }
  });

  it("has nothing to do after a swap", async () => {
    await using world = await openWorld();
    await writeTree(stagingFolder(world.paths), state);
    await swapState(world.paths, previous);
    expect(await readTree(world.paths.home)).toEqual(state);
    expect(await finishRestore(world.paths)).toBe(false);
  });
});

/** An archive of empty files with the manifest of an honest one, but for `fields`. */
function craft(fields: { readonly files?: readonly unknown[]; readonly [name: string]: unknown }): Uint8Array {
  const honest = { format: "micro-backup", format_version: 1, micro_version: "0.1.0", created: "2026-01-31T12:00:00Z" };
  const manifest = Buffer.from(JSON.stringify({ ...honest, files: [], ...fields }));
  const files = (fields.files ?? []) as { readonly path: string }[];
  return Buffer.concat([
    encodeTarHeader({ path: "manifest.json", sizeBytes: manifest.length, isExecutable: false }),
    manifest,
    tarPadding(manifest.length),
    ...files.flatMap(({ path }) =>
      path === undefined ? [] : [encodeTarHeader({ path, sizeBytes: 0, isExecutable: false })],
    ),
    Buffer.alloc(1024),
  ]);
}
