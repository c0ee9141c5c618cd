import { cp, mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { buildPreloadLibrary } from "./preload-library.ts";
import { createTempFolder } from "./temp-folder.ts";

/** Watches a process as its disk would: what it made durable, and nothing else, is there after {@link PowerCut.strike}. */
export interface PowerCut extends AsyncDisposable {
  /** Environment that a process needs to be watched. */
  readonly env: Readonly<Record<string, string>>;
  /** Before a process starts: what lies at `paths` below the root is durable, whoever wrote it. */
  arm(paths: readonly string[]): Promise<void>;
  /**
   * Once the process is dead: puts files and folders of the watched root into the state that a power cut would have left.
   *
   * @param paths below the root; what is not named stays as it is
   */
  strike(paths: readonly string[]): Promise<void>;
}

const source = new URL("../../test/fixtures/power-cut.c", import.meta.url).pathname;

/** @param root absolute path of the folder that is watched */
export async function createPowerCut(root: string): Promise<PowerCut> {
  const work = await createTempFolder();
  const library = `${work.path}/power-cut.so`;
  await buildPreloadLibrary(source, library);
  const image = `${work.path}/image`;
  return {
    env: { LD_PRELOAD: library, POWER_CUT_ROOT: root, POWER_CUT_IMAGE: image },
    arm: async (paths) => {
      await rm(image, { recursive: true, force: true });
      await mkdir(`${image}/content`, { recursive: true });
      await mkdir(`${image}/folder`, { recursive: true });
      for (const path of paths) await seed(image, `${root}/${path}`);
    },
    strike: async (paths) => {
      for (const path of paths) await restore(image, `${root}/${path}`);
    },
    [Symbol.asyncDispose]: () => work[Symbol.asyncDispose](),
  };
}

/** Replaces what is at `path` by what of it was durable. */
async function restore(image: string, path: string): Promise<void> {
  const facts = await stat(path, { bigint: true }).catch(() => undefined);
  if (facts === undefined) return;
  const aside = `${path}.after-cut`;
  // What lies outside of the folder, or in one that was never made durable by itself, is looked up by what is there now.
  await build(image, { id: idOf(facts), isFolder: facts.isDirectory(), path, known: await identify(path) }, aside);
  await rm(path, { recursive: true, force: true });
  await rename(aside, path);
}

async function seed(image: string, path: string): Promise<void> {
  for (const [id, file] of await identify(path)) {
    if (!file.isFolder) await cp(file.path, `${image}/content/${id}`);
  }
}

interface Entry {
  readonly id: string;
  readonly isFolder: boolean;
  readonly path: string;
  /** Where every file and folder below the root of the cut lies now, by its id. */
  readonly known: ReadonlyMap<string, { readonly path: string; readonly isFolder: boolean }>;
}

async function build(image: string, entry: Entry, target: string): Promise<void> {
  const { id, isFolder, path, known } = entry;
  if (!isFolder) {
    await cp(`${image}/content/${id}`, target).catch(() => writeFile(target, ""));
    return;
  }
  await mkdir(target, { mode: 0o700 });
  for (const [childId, name] of await listFolder(image, id, path)) {
    const child = known.get(childId);
    const isChildFolder = child?.isFolder ?? (await exists(`${image}/folder/${childId}`));
    await build(
      image,
      { ...entry, id: childId, isFolder: isChildFolder, path: child?.path ?? "" },
      `${target}/${name}`,
    );
  }
}

/** Names in a folder by id: as they were when it was last made durable, or as they are where it never was. */
async function listFolder(image: string, id: string, path: string): Promise<(readonly [string, string])[]> {
  const text = await readFile(`${image}/folder/${id}`, "utf8").catch(() => undefined);
  if (text !== undefined) {
    const lines = text.split("\n").filter((line) => line !== "");
    return lines.map((line) => [line.slice(0, line.indexOf(" ")), line.slice(line.indexOf(" ") + 1)] as const);
  }
  if (path === "") return [];
  const names = await readdir(path);
  return Promise.all(names.map(async (name) => [idOf(await stat(`${path}/${name}`, { bigint: true })), name] as const));
}

async function identify(root: string): Promise<Entry["known"]> {
  const known = new Map<string, { path: string; isFolder: boolean }>();
  const facts = await stat(root, { bigint: true }).catch(() => undefined);
  if (facts === undefined) return known;
  known.set(idOf(facts), { path: root, isFolder: facts.isDirectory() });
  if (!facts.isDirectory()) return known;
  for (const name of await readdir(root, { recursive: true })) {
    const each = await stat(`${root}/${name}`, { bigint: true });
    known.set(idOf(each), { path: `${root}/${name}`, isFolder: each.isDirectory() });
  }
  return known;
}

function idOf(facts: { readonly ino: bigint; readonly birthtimeNs: bigint }): string {
  const seconds = facts.birthtimeNs / 1_000_000_000n;
  return `${facts.ino}-${seconds}.${String(facts.birthtimeNs % 1_000_000_000n).padStart(9, "0")}`;
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
