import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import type { ServerCall } from "#rpc/server-call.ts";
import { fromSentError, type FromWorker, type ToWorker } from "./worker-message.ts";

/** The worker's end of its line to the main process. It ends the worker when the main process is gone. */
export class MainChannel {
  readonly #verdicts = new Map<number, (refusal: MicroError | undefined) => void>();
  #judgedCount = 0;
  #isClosed = false;

  /** @param onMessage hears everything but verdicts. @throws MicroError where nobody is at the other end. */
  constructor(onMessage: (message: ToWorker) => void) {
    if (process.send === undefined) {
      throw new MicroError("failed_precondition", "workers are started by micro server --workers, not by hand");
    }
    process.on("message", (message: ToWorker) => {
      if (message.kind === "verdict") {
        this.#verdicts.get(message.id)?.(message.refusal === undefined ? undefined : fromSentError(message.refusal));
      } else onMessage(message);
    });
    process.on("disconnect", () => {
      // Without the main process nobody says who may do what; the ports belong to whoever comes after it.
      if (!this.#isClosed) process.exit(1);
    });
  }

  send(message: FromWorker): void {
    if (!this.#isClosed) process.send?.(message);
  }

  /** Lets the main process decide on a call. @throws MicroError its refusal; `unavailable` when it says nothing. */
  judge({ path, service, endpoint, metadata, peer }: ServerCall): Promise<void> {
    this.#judgedCount += 1;
    const id = this.#judgedCount;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const end = (failure: MicroError | undefined): void => {
      clearTimeout(timer);
      this.#verdicts.delete(id);
      if (failure === undefined) resolve();
      else reject(failure);
    };
    const timer = setTimeout(
      () => end(new MicroError("unavailable", "the server could not say who may call; try again", { at: service })),
      limits.workerVerdictMs,
    );
    this.#verdicts.set(id, end);
    this.send({ kind: "judge", id, call: { path, service, endpoint, metadata: pickRelevant(metadata), peer } });
    return promise;
  }

  /** Lets the process end. */
  close(): void {
    this.#isClosed = true;
    process.disconnect?.();
  }
}

/** The headers that say who calls and where; all others stay here. */
function pickRelevant(metadata: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const picked: Record<string, string> = {};
  for (const key of ["authorization", "micro-namespace"]) {
    const value = metadata[key];
    if (value !== undefined) picked[key] = value;
  }
  return picked;
}
