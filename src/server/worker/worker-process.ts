import { MicroError } from "#base/error.ts";
import { repeat, type Stoppable } from "#base/lifecycle.ts";
import { limits } from "#base/limits.ts";
import type { Logger } from "#base/logger.ts";
import {
  fromSentError,
  toSentError,
  type FromWorker,
  type JudgedCall,
  type StateMessage,
  type ToWorker,
  type WorkerStart,
} from "./worker-message.ts";

export interface WorkerProcessDeps {
  /** Program and arguments of a worker. */
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly start: WorkerStart;
  readonly openFeed: (tell: (message: StateMessage) => void) => Promise<Stoppable>;
  /** @throws MicroError the refusal. */
  readonly judge: (call: JudgedCall) => Promise<void>;
  /** Takes a line that it wrote to standard error. */
  readonly relayLine: (line: string) => void;
  readonly logger: Logger;
}

/** One process of a worker, from its start to its end. */
export class WorkerProcess {
  readonly #deps: WorkerProcessDeps;
  readonly #child: Bun.Subprocess<"ignore", "ignore", "pipe">;
  readonly #listening = Promise.withResolvers<void>();
  readonly #drained = Promise.withResolvers<void>();
  readonly #pings: Stoppable;
  #feed: Promise<Stoppable> | undefined;
  readonly #counts = new Map<number, (count: number) => void>();
  #questionCount = 0;
  #unansweredPingCount = 0;
  /** How it ended. */
  readonly ended: Promise<string>;

  constructor(deps: WorkerProcessDeps) {
    this.#deps = deps;
    this.#child = Bun.spawn([...deps.command], {
      env: { ...deps.env },
      stdio: ["ignore", "ignore", "pipe"],
      serialization: "json",
      ipc: (message: FromWorker) => this.#take(message),
    });
    this.#pings = repeat({ intervalMs: limits.workerPingIntervalMs, onError: () => undefined }, () => this.#ping());
    this.ended = this.#end();
    this.#listening.promise.catch(() => undefined);
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Resolves when it listens. @throws MicroError why it does not. */
  get listening(): Promise<void> {
    return this.#listening.promise;
  }

  /** Calls from here to these addresses that are under way; none of a process that has ended. */
  async callsUnderWay(addresses: readonly string[]): Promise<number> {
    this.#questionCount += 1;
    const id = this.#questionCount;
    const counted = new Promise<number>((resolve) => this.#counts.set(id, resolve));
    this.#tell({ kind: "calls", id, addresses });
    const count = await Promise.race([counted, this.ended.then(() => 0)]);
    this.#counts.delete(id);
    return count;
  }

  /** Lets the requests at its gateway end. */
  async drain(): Promise<void> {
    this.#tell({ kind: "drain" });
    await Promise.race([this.#drained.promise, this.ended]);
  }

  /** Ends it, by force when it takes too long. */
  async stop(): Promise<void> {
    this.#tell({ kind: "stop" });
    const cut = setTimeout(() => this.#child.kill("SIGKILL"), limits.workerStopMs);
    await this.ended;
    clearTimeout(cut);
  }

  #take(message: FromWorker): void {
    switch (message.kind) {
      case "loaded":
        this.#feed ??= this.#feedAndStart();
        this.#feed.catch((reason: unknown) => this.#listening.reject(MicroError.from(reason)));
        return;
      case "listening":
        return this.#listening.resolve();
      case "failed":
        return this.#listening.reject(fromSentError(message.error));
      case "judge":
        return void this.#judge(message.id, message.call);
      case "pong":
        this.#unansweredPingCount = 0;
        return;
      case "calls":
        return this.#counts.get(message.id)?.(message.count);
      case "drained":
        return this.#drained.resolve();
    }
  }

  async #feedAndStart(): Promise<Stoppable> {
    const feed = await this.#deps.openFeed((message) => this.#tell(message));
    this.#tell({ kind: "start", start: this.#deps.start });
    return feed;
  }

  async #judge(id: number, call: JudgedCall): Promise<void> {
    try {
      await this.#deps.judge(call);
      this.#tell({ kind: "verdict", id });
    } catch (reason) {
      this.#tell({ kind: "verdict", id, refusal: toSentError(MicroError.from(reason)) });
    }
  }

  /** A worker that hangs holds connections that the system gives to it; its end gives them to others. */
  #ping(): void {
    if (this.#unansweredPingCount >= limits.workerPingCountMax) {
      this.#deps.logger.error("a worker does not answer and is ended", { pid: this.pid });
      this.#child.kill("SIGKILL");
      return;
    }
    this.#unansweredPingCount += 1;
    this.#tell({ kind: "ping" });
  }

  async #relayLines(): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of this.#child.stderr) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = (lines.pop() ?? "").slice(0, limits.logLineBytesMax);
      for (const line of lines) this.#deps.relayLine(line);
    }
    if (rest !== "") this.#deps.relayLine(rest);
  }

  #tell(message: ToWorker): void {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    try {
      this.#child.send(message);
    } catch {
      // It is ending; `ended` tells.
    }
  }

  async #end(): Promise<string> {
    await Promise.all([this.#child.exited, this.#relayLines()]);
    const { exitCode, signalCode } = this.#child;
    const how = signalCode === null ? `exited with code ${exitCode}` : `was ended by ${signalCode}`;
    this.#listening.reject(new MicroError("unavailable", `a worker ${how} before it listened`));
    await this.#pings.stop();
    const feed = await this.#feed?.catch(() => undefined);
    await feed?.stop();
    return how;
  }
}
