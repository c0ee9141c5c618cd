import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import type { Clock } from "#base/clock.ts";
import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import type { GitProgram } from "./git-program.ts";
import { KeyedQueue } from "./keyed-queue.ts";

export interface GitCacheDeps {
  readonly folder: string;
  readonly program: GitProgram;
  readonly clock: Clock;
}

export interface GitCacheLimits {
  /** @default limits.gitCacheBytesMax */
  readonly bytesMax?: number;
  /** @default limits.gitCacheAgeMs */
  readonly ageMs?: number;
}

/** When a repository was used last is the time of this file. */
const usedFile = "micro-used";

/** Bare repositories, one for each that a namespace runs services from. What is lost of it is fetched again. */
export class GitCache {
  readonly #deps: GitCacheDeps;
  readonly #bytesMax: number;
  readonly #ageMs: number;
  readonly #turns = new KeyedQueue();
  /** Those that this process has looked after. */
  readonly #opened = new Set<string>();
  /** Names of those that are used or waited for, and how often. */
  readonly #inUse = new Map<string, number>();
  /** Names of what this process works on beside the cache. */
  readonly #asides = new Set<string>();

  constructor(
    deps: GitCacheDeps,
    { bytesMax = limits.gitCacheBytesMax, ageMs = limits.gitCacheAgeMs }: GitCacheLimits,
  ) {
    this.#deps = deps;
    this.#bytesMax = bytesMax;
    this.#ageMs = ageMs;
  }

  /**
   * Runs `work` on the cached repository, alone. It is empty the first time. Namespaces do not share one: what one may
   * read with its credential is not for the other.
   */
  async use<T>(namespace: string, url: string, work: (folder: string) => Promise<T>): Promise<T> {
    const name = createHash("sha256").update(`${namespace}\0${url}`).digest("hex");
    this.#inUse.set(name, (this.#inUse.get(name) ?? 0) + 1);
    try {
      return await this.#turns.run(name, async () => {
        const folder = `${this.#deps.folder}/${name}`;
        await this.#open(folder);
        await this.#touch(folder);
        return work(folder);
      });
    } finally {
      const count = (this.#inUse.get(name) ?? 1) - 1;
      if (count === 0) this.#inUse.delete(name);
      else this.#inUse.set(name, count);
    }
  }

  /** The same for work on what the repository holds: where that fails for a reason that may lie in it, it is thrown away. */
  fill<T>(namespace: string, url: string, work: (folder: string) => Promise<T>): Promise<T> {
    return this.use(namespace, url, async (folder) => {
      try {
        return await work(folder);
      } catch (reason) {
        const { code } = MicroError.from(reason);
        if (code === "unavailable" || code === "internal") await this.#throwAway(folder);
        throw reason;
      }
    });
  }

  /** An empty repository beside the cache, for as long as `work` takes. */
  async aside<T>(work: (folder: string) => Promise<T>): Promise<T> {
    const name = `.aside-${crypto.randomUUID()}`;
    const folder = `${this.#deps.folder}/${name}`;
    this.#asides.add(name);
    try {
      await this.#create(folder);
      return await work(folder);
    } finally {
      await rm(folder, { recursive: true, force: true });
      this.#asides.delete(name);
    }
  }

  /**
   * Removes what nobody used for long, and the least recently used while all together is too large. What is in use stays, and is
   * not waited for.
   */
  async collect(): Promise<void> {
    const found = await Promise.all((await this.#names()).map((name) => this.#describe(name)));
    let bytes = found.reduce((sum, each) => sum + each.bytes, 0);
    const oldestMs = this.#deps.clock.now() - this.#ageMs;
    for (const each of found.toSorted((a, b) => a.usedMs - b.usedMs)) {
      if (each.usedMs > oldestMs && bytes <= this.#bytesMax) return;
      if (this.#inUse.has(each.name)) continue;
      bytes -= each.bytes;
      await this.#turns.run(each.name, () => this.#remove(each));
    }
  }

  /** Ends and removes what a server that was killed left. */
  async removeLeftovers(): Promise<void> {
    this.#deps.program.endLeftovers(this.#deps.folder);
    for (const name of await readdir(this.#deps.folder).catch(() => [])) {
      if (name.startsWith(".") && !this.#asides.has(name))
        await rm(`${this.#deps.folder}/${name}`, { recursive: true, force: true });
    }
  }

  async #open(folder: string): Promise<void> {
    if (this.#opened.has(folder) && existsSync(`${folder}/HEAD`)) return;
    if (existsSync(`${folder}/HEAD`)) await removeLocks(folder);
    else await this.#create(folder);
    this.#opened.add(folder);
  }

  async #create(folder: string): Promise<void> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const args = ["init", "--quiet", "--bare", "--template=", "."];
    const { code, stderr } = await this.#deps.program.run({ args, folder });
    if (code !== 0) throw new MicroError("unavailable", `git cannot make a repository: ${stderr.trim()}`);
  }

  async #touch(folder: string): Promise<void> {
    const now = new Date(this.#deps.clock.now());
    await writeFile(`${folder}/${usedFile}`, "");
    await utimes(`${folder}/${usedFile}`, now, now);
  }

  async #names(): Promise<string[]> {
    const names = await readdir(this.#deps.folder).catch(() => []);
    return names.filter((name) => /^[0-9a-f]{64}$/.test(name));
  }

  async #describe(name: string): Promise<CachedRepository> {
    const folder = `${this.#deps.folder}/${name}`;
    const paths = await readdir(folder, { recursive: true }).catch(() => []);
    const facts = await Promise.all(paths.map((path) => stat(`${folder}/${path}`).catch(() => undefined)));
    const used = await stat(`${folder}/${usedFile}`).catch(() => undefined);
    return { name, usedMs: used?.mtimeMs ?? 0, bytes: facts.reduce((sum, each) => sum + (each?.size ?? 0), 0) };
  }

  /** Unless somebody used it meanwhile. */
  async #remove({ name, usedMs }: CachedRepository): Promise<void> {
    if ((await this.#describe(name)).usedMs === usedMs) await this.#throwAway(`${this.#deps.folder}/${name}`);
  }

  /** Renamed first, so that a half removed one is never taken for a whole one. */
  async #throwAway(folder: string): Promise<void> {
    const aside = `${this.#deps.folder}/.removed-${crypto.randomUUID()}`;
    await rename(folder, aside);
    this.#opened.delete(folder);
    await rm(aside, { recursive: true, force: true });
  }
}

interface CachedRepository {
  readonly name: string;
  readonly usedMs: number;
  readonly bytes: number;
}

/** A git that was killed leaves its locks; nobody else works here. */
async function removeLocks(folder: string): Promise<void> {
  const names = await readdir(folder, { recursive: true });
  const doomed = names.filter((name) => name.endsWith(".lock") || /(?:^|\/)tmp_/.test(name));
  for (const name of doomed) await rm(`${folder}/${name}`, { force: true });
}
