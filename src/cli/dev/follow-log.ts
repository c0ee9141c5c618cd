import { MicroError } from "#base/error.ts";
import { delay } from "#base/lifecycle.ts";
import type { Session } from "#cli/connection/session.ts";
import { fieldsOf, numberOf, type Fields } from "#cli/service-answer.ts";
import { oneMessage } from "#cli/standard-input.ts";

/** Pause before the log of a server that is away is asked for again. */
const retryMs = 1_000;

export interface FollowLogOptions {
  readonly name: string;
  /** Lines from this moment on, milliseconds since the epoch. */
  readonly sinceMs: number;
  readonly print: (record: Fields) => void;
  readonly signal: AbortSignal;
}

/** Prints what a deployed service writes, until `signal` aborts or it is removed; a server that is away is waited for. */
export async function followLog(session: Session, options: FollowLogOptions): Promise<void> {
  const { name, print, signal } = options;
  let { sinceMs } = options;
  while (!signal.aborted) {
    // The request has whole seconds; what was printed of them already comes again and is passed over.
    const since = Math.floor(sinceMs / 1_000);
    const request = { service: name, stream: true, since, options: { namespace: session.namespace } };
    const target = { service: "runtime", endpoint: "Runtime.Logs" };
    try {
      for await (const answer of session.stream(target, oneMessage(JSON.stringify(request)), { signal })) {
        const record = fieldsOf(answer);
        const timestampMs = numberOf(record["timestamp"]);
        if (timestampMs < sinceMs) continue;
        sinceMs = timestampMs;
        print(record);
      }
      return;
    } catch (reason) {
      const error = MicroError.from(reason);
      if (signal.aborted || error.code === "not_found") return;
      if (error.code !== "unavailable") throw error;
      sinceMs += 1;
    }
    await delay(retryMs, signal);
  }
}
