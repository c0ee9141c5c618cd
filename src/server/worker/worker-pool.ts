import { backoffMs } from "#base/backoff.ts";
import { MicroError } from "#base/error.ts";
import { delay, type Stoppable } from "#base/lifecycle.ts";
import { limits } from "#base/limits.ts";
import { WorkerProcess, type WorkerProcessDeps } from "./worker-process.ts";

/** The workers of a server. One that ends is started again, after longer and longer waits when it keeps on ending. */
export class WorkerPool implements Stoppable {
  readonly #deps: WorkerProcessDeps;
  readonly #ending = new AbortController();
  readonly #running = new Set<WorkerProcess>();
  readonly #loops: readonly Promise<void>[];
  /** Resolves when each worker listens or has failed to for the first time. */
  readonly started: Promise<void>;

  constructor(deps: WorkerProcessDeps, count: number) {
    this.#deps = deps;
    const firsts = Array.from({ length: count }, () => Promise.withResolvers<void>());
    this.#loops = firsts.map(({ resolve }, index) => this.#keep(index + 1, resolve));
    this.started = Promise.all(firsts.map(({ promise }) => promise)).then(() => undefined);
  }

  /** Calls from all workers to these addresses that are under way. */
  async callsUnderWay(addresses: readonly string[]): Promise<number> {
    const counts = await Promise.all([...this.#running].map((each) => each.callsUnderWay(addresses)));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** Lets the requests at the gateways of all workers end. */
  async drain(): Promise<void> {
    this.#ending.abort();
    await Promise.all([...this.#running].map((each) => each.drain()));
  }

  async stop(): Promise<void> {
    this.#ending.abort();
    await Promise.all([...this.#running].map((each) => each.stop()));
    await Promise.all(this.#loops);
  }

  async #keep(number: number, onFirst: () => void): Promise<void> {
    const logger = this.#deps.logger.with({ worker: number });
    const { signal } = this.#ending;
    for (let attempt = 1; !signal.aborted; attempt += 1) {
      const startedMs = performance.now();
      const worker = new WorkerProcess({ ...this.#deps, logger });
      this.#running.add(worker);
      try {
        await worker.listening;
        logger.info("worker listens", { pid: worker.pid });
      } catch (reason) {
        if (!signal.aborted) logger.error("a worker could not start", { error: MicroError.from(reason) });
      }
      onFirst();
      const how = await worker.ended;
      this.#running.delete(worker);
      if (signal.aborted) return;
      if (performance.now() - startedMs > limits.restartResetMs) attempt = 1;
      logger.warn("a worker ended and is started again", { pid: worker.pid, how });
      await delay(backoffMs(attempt, { initialMs: limits.restartInitialMs, maxMs: limits.restartMaxMs }), signal);
    }
  }
}
