import { readdirSync, readFileSync } from "node:fs";

/** The variable by which whatever a service starts is known as its own, wherever it moves itself. */
export const instanceVariable = "MICRO_SERVICE_INSTANCE";

/**
 * Finds what services started and put into groups of their own, where the end of the service's group does not reach it: a
 * daemon that goes on would be an orphan. By the environment that a process was started with; Linux only, elsewhere
 * there are none.
 */
export class StrayProcesses {
  readonly #folder: string;
  /** Instances that ended since the last look. */
  #ended = new Set<string>();
  #looking: Promise<void> | undefined;

  /** @param runtimeFolder every service has its home below it, unless its user said otherwise. */
  constructor(runtimeFolder: string) {
    this.#folder = `${runtimeFolder}/work/`;
  }

  /** Kills what is left of an instance. One look at all processes serves everybody who ends at the same time. */
  endOf(instance: string): Promise<void> {
    this.#ended.add(instance);
    this.#looking ??= new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      const ended = this.#ended;
      this.#ended = new Set();
      this.#looking = undefined;
      this.#kill((found) => ended.has(found));
    });
    return this.#looking;
  }

  /** Kills what is left of every instance but these: a server that was killed may have started one and not noted it yet. */
  endOthers(instances: ReadonlySet<string>): void {
    this.#kill((found) => !instances.has(found));
  }

  #kill(isMeant: (instance: string) => boolean): void {
    if (process.platform !== "linux") return;
    for (const name of readdirSync("/proc")) {
      const instance = /^\d+$/.test(name) ? this.#instanceOf(name) : undefined;
      if (instance !== undefined && isMeant(instance)) kill(Number(name));
    }
  }

  #instanceOf(pid: string): string | undefined {
    const variables = readEnvironment(pid);
    if (!variables.some((each) => each.includes(this.#folder))) return undefined;
    const prefix = `${instanceVariable}=`;
    return variables.find((each) => each.startsWith(prefix))?.slice(prefix.length);
  }
}

/** Empty for processes of others, and for those that are gone. */
function readEnvironment(pid: string): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, "latin1").split("\0");
  } catch {
    return [];
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // Gone meanwhile.
  }
}
