import { MicroError } from "#base/error.ts";
import { createLogger } from "#base/logger.ts";
import { Readiness } from "#gateway/readiness.ts";
import { composeWorker, type ComposedWorker, type WorkerState } from "./compose-worker.ts";
import { MainChannel } from "./main-channel.ts";
import { MirrorDirectory } from "./mirror-directory.ts";
import { MirrorRules } from "./mirror-rules.ts";
import { toSentError, type ToWorker, type WorkerStart } from "./worker-message.ts";

/**
 * A process that shares the ports of a `micro server`: gateway, proxy and network, without any state of its own. The main
 * process starts it, tells it what it has to know, and stops it.
 *
 * @throws MicroError `failed_precondition` when nobody started it so.
 */
export async function runWorker(): Promise<void> {
  process.umask(0o077);
  const stop = Promise.withResolvers<void>();
  const channel: MainChannel = new MainChannel((message) => worker.take(message));
  const worker = new Worker(channel, stop.resolve);
  // A terminal's Ctrl-C reaches every process; the main one says when it is this one's turn.
  for (const signal of ["SIGINT", "SIGHUP"] as const) process.on(signal, () => undefined);
  process.on("SIGTERM", stop.resolve);
  channel.send({ kind: "loaded" });
  await stop.promise;
  await worker.stop();
  channel.close();
}

class Worker {
  readonly #channel: MainChannel;
  readonly #onStop: () => void;
  readonly #state: WorkerState = {
    directory: new MirrorDirectory(),
    rules: new MirrorRules(),
    readiness: new Readiness(),
  };
  #composed: Promise<ComposedWorker> | undefined;
  #release: readonly (() => void)[] = [];

  constructor(channel: MainChannel, onStop: () => void) {
    this.#channel = channel;
    this.#onStop = onStop;
  }

  take(message: ToWorker): void {
    const { directory, rules, readiness } = this.#state;
    switch (message.kind) {
      case "registry":
        return directory.apply(message.event);
      case "rules":
        return rules.applyRules(message.sets);
      case "ended":
        return rules.applyEnded(message.tokens);
      case "readiness": {
        const before = this.#release;
        this.#release = message.reasons.map((reason) => readiness.hold(reason));
        for (const release of before) release();
        return;
      }
      case "start":
        return void this.#start(message.start);
      case "ping":
        return this.#channel.send({ kind: "pong" });
      case "calls":
        return void this.#count(message.id, message.addresses);
      case "drain":
        return void this.#drain();
      case "stop":
        return this.#onStop();
      case "verdict":
        return;
    }
  }

  async stop(): Promise<void> {
    const composed = await this.#composed?.catch(() => undefined);
    await composed?.stop();
  }

  async #start(start: WorkerStart): Promise<void> {
    const logger = createLogger({ level: start.logLevel, write: (line) => void process.stderr.write(`${line}\n`) });
    this.#composed ??= composeWorker({
      start,
      state: this.#state,
      judge: (call) => this.#channel.judge(call),
      logger: logger.with({ worker: process.pid }),
    });
    try {
      await this.#composed;
      this.#channel.send({ kind: "listening" });
    } catch (reason) {
      this.#channel.send({ kind: "failed", error: toSentError(MicroError.from(reason)) });
      this.#onStop();
    }
  }

  async #count(id: number, addresses: readonly string[]): Promise<void> {
    const composed = await this.#composed?.catch(() => undefined);
    const counts = addresses.map((address) => composed?.callsUnderWay(address) ?? 0);
    this.#channel.send({ kind: "calls", id, count: counts.reduce((sum, count) => sum + count, 0) });
  }

  async #drain(): Promise<void> {
    const composed = await this.#composed?.catch(() => undefined);
    await composed?.drain();
    this.#channel.send({ kind: "drained" });
  }
}
