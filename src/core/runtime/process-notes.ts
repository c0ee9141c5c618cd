import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { MicroError } from "#base/error.ts";
import { isRecord } from "#base/json.ts";
import type { Logger } from "#base/logger.ts";
import type { ResourceLimits } from "#interface/runtime.ts";
import type { PlainTarget } from "./plain-target.ts";
import { readProcessMark } from "./process-mark.ts";

/** What is written down of a running process, so that the next server finds it after this one was killed. */
export interface ProcessNote {
  /** The instance that it belongs to. */
  readonly instance: string;
  /** Also the id of its process group. */
  readonly pid: number;
  /** See {@link readProcessMark}. */
  readonly mark: string;
  /** Which service: `namespace/name:version`. */
  readonly service: string;
  /** The revision of the service that it runs; empty when that is not known. */
  readonly revision: string;
  /** `host:port` of the network that it was told to join: it finds a server at no other. */
  readonly network: string;
  /** Milliseconds since the epoch. */
  readonly startedAtMs: number;
  readonly restartCount: number;
  /** Where it was told to listen. */
  readonly socket?: string;
  /** Where it listens if it knows nothing of Micro, and what is asked of it then. */
  readonly plain?: PlainTarget;
  /** What it may use. */
  readonly resources?: ResourceLimits;
}

const suffix = ".process.json";
const unfinishedSuffix = ".process.new";

/** One small file for each running process. */
export class ProcessNotes {
  readonly #folder: string;
  readonly #logger: Logger;

  /** @param deps.folder made where it is missing. */
  constructor(deps: { readonly folder: string; readonly logger: Logger }) {
    this.#folder = deps.folder;
    this.#logger = deps.logger;
  }

  /**
   * Written at once and synchronously: a server that is killed between the start of a process and its note could never
   * find it again. A disk that refuses it is no reason to stop the service, and is reported.
   */
  write(said: Omit<ProcessNote, "mark">): void {
    const { instance, pid, service } = said;
    const mark = readProcessMark(pid);
    // The process is gone already; its end is seen elsewhere.
    if (mark === undefined) return;
    const note: ProcessNote = { ...said, mark };
    try {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      // Renamed when it is whole: half a note would hide its process from the next server.
      const aside = `${this.#folder}/${instance}${unfinishedSuffix}`;
      writeFileSync(aside, JSON.stringify(note), { mode: 0o600 });
      renameSync(aside, this.#path(instance));
    } catch (reason) {
      this.#logger.error("a process could not be noted", { service, pid, error: MicroError.from(reason) });
    }
  }

  remove(instance: string): void {
    rmSync(this.#path(instance), { force: true });
  }

  /** Notes of an earlier server. Those that cannot be read are removed: their process was never marked. */
  async list(): Promise<readonly ProcessNote[]> {
    const names = await readdir(this.#folder).catch(() => []);
    for (const name of names) if (name.endsWith(unfinishedSuffix)) rmSync(`${this.#folder}/${name}`, { force: true });
    return names.filter((name) => name.endsWith(suffix)).flatMap((name) => this.#read(`${this.#folder}/${name}`));
  }

  #read(path: string): ProcessNote[] {
    const note = parseNote(readFileSync(path, "utf8"));
    if (note !== undefined) return [note];
    rmSync(path, { force: true });
    return [];
  }

  #path(instance: string): string {
    return `${this.#folder}/${instance}${suffix}`;
  }
}

function toPlain({ port, openapi, health }: Readonly<Record<string, unknown>>): Pick<ProcessNote, "plain"> {
  if (typeof port !== "number") return {};
  const { path, intervalMs, timeoutMs } = isRecord(health) ? health : {};
  const asked = {
    ...(typeof path === "string" ? { path } : {}),
    ...(typeof intervalMs === "number" ? { intervalMs } : {}),
    ...(typeof timeoutMs === "number" ? { timeoutMs } : {}),
  };
  return { plain: { port, health: asked, ...(typeof openapi === "string" ? { openapi } : {}) } };
}

function toResources({ memoryBytes, cpuCores }: Readonly<Record<string, unknown>>): ResourceLimits {
  return {
    ...(typeof memoryBytes === "number" ? { memoryBytes } : {}),
    ...(typeof cpuCores === "number" ? { cpuCores } : {}),
  };
}

function parseNote(text: string): ProcessNote | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (!isRecord(value)) return undefined;
    const { instance, pid, mark, socket } = value;
    if (typeof instance !== "string" || typeof pid !== "number" || typeof mark !== "string") return undefined;
    if (!/^[a-z0-9]+$/.test(instance) || !Number.isInteger(pid) || pid < 2) return undefined;
    return {
      instance,
      pid,
      mark,
      service: toText(value["service"]),
      revision: toText(value["revision"]),
      network: toText(value["network"]),
      startedAtMs: toCount(value["startedAtMs"]),
      restartCount: toCount(value["restartCount"]),
      ...(typeof socket === "string" ? { socket } : {}),
      ...(isRecord(value["plain"]) ? toPlain(value["plain"]) : {}),
      ...(isRecord(value["resources"]) ? { resources: toResources(value["resources"]) } : {}),
    };
  } catch {
    return undefined;
  }
}

function toText(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function toCount(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
}
