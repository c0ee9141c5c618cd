import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { MicroError } from "#base/error.ts";
import type { HomePaths } from "#base/home.ts";
import { isRecord } from "#base/json.ts";
import { homeFilePaths } from "./home-files.ts";
import { syncPath } from "./sync-tree.ts";

/** Folders of the home that blocks keep, by the name of their part in a backup. */
export function partFolders(paths: HomePaths): ReadonlyMap<string, string> {
  return new Map([
    ["store", relative(paths.home, paths.storeFolder)],
    ["events", relative(paths.home, paths.eventsFolder)],
    ["blobs", relative(paths.home, paths.blobFolder)],
  ]);
}

/** What a restore replaces, relative to the home: everything that a server keeps but its logs. */
export function statePaths(paths: HomePaths): readonly string[] {
  return [...partFolders(paths).values(), ...homeFilePaths(paths)];
}

/** Those of them that are there; an empty folder is not. */
export async function findState(paths: HomePaths): Promise<readonly string[]> {
  const found: string[] = [];
  for (const path of statePaths(paths)) {
    const names = await readdir(join(paths.home, path)).catch(() => undefined);
    if (names === undefined ? existsSync(join(paths.home, path)) : names.length > 0) found.push(path);
  }
  return found;
}

/** What is done in one go at the end of a restore. Written down before the first step, so that it is always finished. */
interface RestorePlan {
  /** Where the present state goes, relative to the home. */
  readonly previous: string;
  /** Paths of the new state that lie ready. */
  readonly incoming: readonly string[];
}

/** Where a restore unpacks, inside the home so that renaming is all that is left to do. */
export function stagingFolder(paths: HomePaths): string {
  return join(paths.home, "restore-work", "new");
}

/**
 * Replaces the state of a home by what lies in the staging folder, and puts the present one into `previous`. Whatever
 * happens after the plan is on disk, `finishRestore` brings it to its end.
 */
export async function swapState(paths: HomePaths, previous: string): Promise<void> {
  const staging = stagingFolder(paths);
  const incoming = statePaths(paths).filter((path) => existsSync(join(staging, path)));
  const plan: RestorePlan = { previous, incoming };
  await writeFile(`${planFile(paths)}.new`, JSON.stringify(plan), { mode: 0o600, flush: true });
  await syncPath(dirname(planFile(paths)));
  await rename(`${planFile(paths)}.new`, planFile(paths));
  await syncPath(dirname(planFile(paths)));
  await finishRestore(paths);
}

/**
 * Ends a restore that was cut off: to its new state where that was complete, else to nothing. To be called with the server's
 * lock held, before anything of the state is opened.
 *
 * @returns true when a restore was brought to its end.
 * @throws MicroError `internal` when its plan cannot be read.
 */
export async function finishRestore(paths: HomePaths): Promise<boolean> {
  const plan = await readPlan(paths);
  if (plan !== undefined) {
    for (const path of statePaths(paths)) await swapOne(paths, plan, path);
    await syncPath(paths.home);
  }
  await rm(dirname(planFile(paths)), { recursive: true, force: true });
  return plan !== undefined;
}

/** Every step is one renaming, and a step that was done already is seen by what it left. */
async function swapOne(paths: HomePaths, plan: RestorePlan, path: string): Promise<void> {
  const present = join(paths.home, path);
  const staged = join(stagingFolder(paths), path);
  const isIncoming = plan.incoming.includes(path);
  if (isIncoming && !existsSync(staged)) return;
  if (existsSync(present)) await move(present, join(paths.home, plan.previous, path));
  if (isIncoming) await move(staged, present);
}

async function move(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true, mode: 0o700 });
  await rename(from, to);
  await syncPath(dirname(to));
  await syncPath(dirname(from));
}

function planFile(paths: HomePaths): string {
  return join(paths.home, "restore-work", "plan.json");
}

async function readPlan(paths: HomePaths): Promise<RestorePlan | undefined> {
  if (!existsSync(planFile(paths))) return undefined;
  const value: unknown = JSON.parse(await readFile(planFile(paths), "utf8"));
  if (isRecord(value) && typeof value["previous"] === "string" && Array.isArray(value["incoming"])) {
    return { previous: value["previous"], incoming: value["incoming"].map(String) };
  }
  throw new MicroError("internal", `${planFile(paths)} is damaged: a restore was cut off and cannot be finished`);
}
