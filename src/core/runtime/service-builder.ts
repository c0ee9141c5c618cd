import { mkdir, rm } from "node:fs/promises";
import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import type { Logger } from "#base/logger.ts";
import type { ServiceKey } from "#interface/runtime.ts";
import { createBuildEnvironment } from "./build-environment.ts";
import { BuildFolder } from "./build-folder.ts";
import { BuildLog, readFrom } from "./build-log.ts";
import { hashBuild, type BuildPlan } from "./build-plan.ts";
import { runBuild } from "./build-run.ts";
import { BuildTurns } from "./build-turns.ts";
import type { BunRunner } from "./launch-command.ts";
import { planService } from "./plan-service.ts";
import { endForeignGroup, groupHasEnvironment } from "./process-group.ts";
import { readProcessMark } from "./process-mark.ts";
import { ProcessNotes, type ProcessNote } from "./process-notes.ts";
import { toServiceStoreKey, type ServiceRecord } from "./service-record.ts";
import type { ServiceVariables } from "./service-variables.ts";
import { SharedBuild } from "./shared-build.ts";

export interface BuildOptions {
  /** Ends the build where nobody else waits for it. */
  readonly signal: AbortSignal;
  /** Called when something really has to be built. */
  readonly onBuild?: () => void;
}

/** What a service runs. */
export interface Built {
  /** Its source where nothing had to be built, else one that was made from it. */
  readonly folder: string;
  /** Of the build; absent where nothing had to be built. */
  readonly hash?: string;
}

/** Makes what a service runs out of its source. */
export interface Builder {
  /**
   * Builds where something has to be built. What was built before is answered at once.
   *
   * @throws MicroError `failed_precondition` with the reason of a build that failed; `cancelled` when `signal` aborts.
   */
  build(record: ServiceRecord, options: BuildOptions): Promise<Built>;
}

export interface ServiceBuilderDeps {
  readonly runtimeFolder: string;
  readonly sourceFolder: (sha256: string) => string;
  readonly bun: BunRunner;
  /** The server's own environment, of which builds get PATH, LANG, LC_ALL and TZ. */
  readonly serverEnv: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
  readonly variables: Pick<ServiceVariables, "resolveReferences">;
}

export interface ServiceBuilderOptions {
  /** @default limits.buildTimeoutMs */
  readonly buildTimeoutMs?: number;
}

interface PlannedBuild {
  readonly hash: string;
  readonly plan: BuildPlan;
  readonly buildEnv: Readonly<Record<string, string>>;
}

/** Builds on this machine. What was made is kept under the hash of what it was made from: the source, the plan, the environment. */
export class ServiceBuilder implements Builder {
  readonly #deps: ServiceBuilderDeps;
  readonly #timeoutMs: number;
  readonly #folder: BuildFolder;
  readonly #notes: ProcessNotes;
  readonly #turns = new BuildTurns(limits.buildConcurrencyMax);
  readonly #running = new Map<string, { readonly shared: SharedBuild; readonly log: BuildLog }>();
  /** Service → its last build. */
  readonly #last = new Map<string, string>();
  #survivors: readonly ProcessNote[] = [];

  constructor(deps: ServiceBuilderDeps, options: ServiceBuilderOptions = {}) {
    this.#deps = deps;
    this.#timeoutMs = options.buildTimeoutMs ?? limits.buildTimeoutMs;
    this.#folder = new BuildFolder(deps.runtimeFolder);
    this.#notes = new ProcessNotes({ folder: `${this.#folder.path}/run`, logger: deps.logger });
  }

  /** Looks for builds of a server that was killed. Before the first build, so that nothing of ours is taken for one. */
  async start(): Promise<void> {
    this.#survivors = await this.#notes.list();
  }

  /** Ends those, and removes what they left. */
  async removeLeftovers(): Promise<void> {
    for (const note of this.#survivors) {
      await this.#endSurvivor(note);
      this.#notes.remove(note.instance);
    }
    await this.#folder.removeLeftovers((hash) => this.#running.has(hash));
  }

  async build(record: ServiceRecord, { signal, onBuild }: BuildOptions): Promise<Built> {
    const planned = await this.#plan(record);
    if (planned === undefined) return { folder: this.#deps.sourceFolder(record.sha256) };
    const { hash } = planned;
    const built = { folder: this.#folder.root(hash), hash };
    this.#last.set(toServiceStoreKey(record), hash);
    const running = this.#running.get(hash);
    if (running === undefined && this.#folder.isWhole(hash)) return built;
    onBuild?.();
    await (running ?? this.#begin(record, planned)).shared.wait(signal);
    return built;
  }

  /** The hash of the build that a record runs; undefined where nothing has to be built. @throws MicroError as planning does. */
  async hash(record: ServiceRecord): Promise<string | undefined> {
    return (await this.#plan(record))?.hash;
  }

  /**
   * The log of the last build of a service, followed to its end while it runs.
   *
   * @throws MicroError `not_found` when nothing was built.
   */
  async *log(record: ServiceRecord, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const hash = this.#last.get(toServiceStoreKey(record)) ?? (await this.hash(record));
    if (hash === undefined) throw new MicroError("not_found", `nothing had to be built for ${record.name}`);
    const running = this.#running.get(hash);
    yield* running === undefined ? readFrom(this.#folder.log(hash)) : running.log.follow(signal);
  }

  /**
   * Removes the builds that none of these records runs.
   *
   * @param mayRemove asked in the very moment of the removal: false when somebody may just have begun to need one
   */
  async collect(records: readonly ServiceRecord[], mayRemove: () => boolean): Promise<void> {
    const keys = new Set(records.map(toServiceStoreKey));
    for (const key of this.#last.keys()) if (!keys.has(key)) this.#last.delete(key);
    const hashes = await Promise.all(records.map((each) => this.hash(each).catch(() => undefined)));
    const found = await this.#folder.list();
    if (!mayRemove()) return;
    const needed = new Set([...hashes, ...this.#running.keys(), ...this.#last.values()]);
    const doomed = found.filter((hash) => !needed.has(hash));
    const asides = doomed.map((hash) => this.#folder.setAside(hash));
    for (const aside of asides) if (aside !== undefined) await rm(aside, { recursive: true, force: true });
    for (const hash of doomed) await rm(this.#folder.log(hash), { force: true });
  }

  async #endSurvivor({ pid, mark, service }: ProcessNote): Promise<void> {
    const home = `HOME=${this.#folder.path}/cache/`;
    const isAlive = (): boolean => {
      const present = readProcessMark(pid);
      return present === mark || (present === undefined && groupHasEnvironment(pid, home));
    };
    if (!isAlive()) return;
    this.#deps.logger.warn("ending a build of the server before", { service, pid });
    await endForeignGroup(pid, { graceMs: limits.survivorStopGraceMs, isAlive });
  }

  async #plan(record: ServiceRecord): Promise<PlannedBuild | undefined> {
    const { bun, serverEnv, sourceFolder } = this.#deps;
    const { build: plan, settings } = await planService(record, {
      source: sourceFolder(record.sha256),
      path: serverEnv["PATH"] ?? "",
      bun: bun.path,
    });
    if (plan === undefined) return undefined;
    const { buildEnv = {} } = settings;
    const { namespace, sha256 } = record;
    return { hash: hashBuild({ namespace, sha256, plan, buildEnv }), plan, buildEnv };
  }

  #begin(record: ServiceRecord, planned: PlannedBuild): { readonly shared: SharedBuild; readonly log: BuildLog } {
    const { hash } = planned;
    const log = new BuildLog(this.#folder.log(hash));
    const shared = new SharedBuild(async (signal) => {
      try {
        await log.open();
        await this.#turns.run(signal, () => this.#make(record, planned, { log, signal }));
      } finally {
        await log.close();
        this.#running.delete(hash);
      }
    });
    const begun = { shared, log };
    this.#running.set(hash, begun);
    return begun;
  }

  async #make(
    { namespace, name, sha256 }: ServiceKey & Pick<ServiceRecord, "sha256">,
    { hash, plan, buildEnv }: PlannedBuild,
    { log, signal }: { readonly log: BuildLog; readonly signal: AbortSignal },
  ): Promise<void> {
    const home = this.#folder.cache(namespace);
    const { bun, serverEnv, sourceFolder, variables } = this.#deps;
    try {
      const given = await variables.resolveReferences(namespace, buildEnv);
      await mkdir(home, { recursive: true, mode: 0o700 });
      await this.#folder.open(hash, sourceFolder(sha256));
      const temporary = this.#folder.temporary(hash);
      const env = createBuildEnvironment({ serverEnv, home, temporary, plan, bun, buildEnv: given });
      const onProcess = (pid: number): (() => void) => {
        const id = crypto.randomUUID().replaceAll("-", "").slice(0, 12);
        const known = { revision: "", network: "", startedAtMs: Date.now(), restartCount: 0 };
        this.#notes.write({ instance: id, pid, service: name, ...known });
        return () => this.#notes.remove(id);
      };
      const root = this.#folder.root(hash);
      await runBuild({ plan, root, env, log, signal, timeoutMs: this.#timeoutMs, onProcess });
      await this.#folder.finish(hash);
    } catch (reason) {
      await this.#folder.remove(hash);
      throw MicroError.from(reason, { at: "runtime" });
    }
  }
}
