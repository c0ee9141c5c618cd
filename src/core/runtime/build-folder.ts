import { constants, existsSync, renameSync } from "node:fs";
import { cp, mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";

/** Says that a build is whole; written when everything else of it is on disk. */
const markName = "built.json";

/** What was built: one folder a build, called by the hash of what it was made from, and one log a build. */
export class BuildFolder {
  readonly path: string;

  constructor(runtimeFolder: string) {
    this.path = `${runtimeFolder}/builds`;
  }

  /** Where the source lies that was built in. */
  root(hash: string): string {
    return `${this.path}/${hash}/source`;
  }

  temporary(hash: string): string {
    return `${this.path}/${hash}/tmp`;
  }

  log(hash: string): string {
    return `${this.path}/logs/${hash}.log`;
  }

  /** What package managers keep for the next build. Namespaces do not share it: one could put there what another runs. */
  cache(namespace: string): string {
    return `${this.path}/cache/${namespace}`;
  }

  isWhole(hash: string): boolean {
    return existsSync(`${this.path}/${hash}/${markName}`);
  }

  /** A copy of the source to build in, without what an earlier attempt left. */
  async open(hash: string, source: string): Promise<void> {
    await this.remove(hash);
    await mkdir(this.temporary(hash), { recursive: true, mode: 0o700 });
    await cp(source, this.root(hash), { recursive: true, mode: constants.COPYFILE_FICLONE });
  }

  /** The build is whole. Returns when that and all of it is on disk. */
  async finish(hash: string): Promise<void> {
    const folder = `${this.path}/${hash}`;
    await rm(this.temporary(hash), { recursive: true, force: true });
    await sync(folder);
    await writeFile(`${folder}/${markName}.new`, JSON.stringify({ builtAt: new Date().toISOString() }), {
      flush: true,
    });
    await rename(`${folder}/${markName}.new`, `${folder}/${markName}`);
  }

  /** Without the mark first, so that a removal that is cut off leaves nothing that looks whole. */
  async remove(hash: string): Promise<void> {
    await rm(`${this.path}/${hash}/${markName}`, { force: true });
    await rm(`${this.path}/${hash}`, { recursive: true, force: true });
  }

  /** Builds that are there, whole or not, and those of which only the log is. */
  async list(): Promise<readonly string[]> {
    const names = await readdir(this.path).catch(() => []);
    const logs = (await readdir(`${this.path}/logs`).catch(() => [])).map((name) => name.replace(/\.log$/, ""));
    return [...new Set([...names, ...logs])].filter((name) => /^[0-9a-f]{64}$/.test(name));
  }

  /** Renamed at once, so that nobody finds half of it; returns where it lies now. */
  setAside(hash: string): string | undefined {
    const folder = `${this.path}/${hash}`;
    if (!existsSync(folder)) return undefined;
    const aside = `${this.path}/.removed-${crypto.randomUUID()}`;
    renameSync(folder, aside);
    return aside;
  }

  /** Removes what is no whole build: what a crash cut off, and what was set aside. */
  async removeLeftovers(isRunning: (hash: string) => boolean): Promise<void> {
    for (const name of await readdir(this.path).catch(() => [])) {
      const isHalf = /^[0-9a-f]{64}$/.test(name) && !this.isWhole(name) && !isRunning(name);
      if (isHalf || name.startsWith(".removed-")) await rm(`${this.path}/${name}`, { recursive: true, force: true });
    }
  }
}

/** One call for the file system of all these files; where the machine has none for it, the kill of a server is survived all the same. */
async function sync(folder: string): Promise<void> {
  if (process.platform !== "linux" || Bun.which("sync") === null) return;
  await Bun.spawn(["sync", "-f", folder], { stdin: "ignore", stdout: "ignore", stderr: "ignore" }).exited;
}
