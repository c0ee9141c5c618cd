import { backoffMs } from "#base/backoff.ts";
import { MicroError } from "#base/error.ts";
import { delay } from "#base/lifecycle.ts";
import type { Logger } from "#base/logger.ts";
import { noServerDetail, type Environment } from "./environment.ts";
import type { Registration } from "./registration.ts";

/** How long a service waits for a network that somebody named and that is not there yet, as when both start together. */
const networkWaitMs = 10_000;

/** How long it asks a server again that is too busy to answer in time, as when a hundred services start together. */
const busyWaitMs = 30_000;

/**
 * The first registration of a service, with a failure that tells its author what to do.
 *
 * @throws MicroError `unavailable` when no server answers: at once for the server of this machine, after ten seconds for
 * a network that was named; `timeout` when it is too busy for half a minute; `unauthenticated` when there are no credentials; else what the registry says.
 */
export async function enterRegistry(
  registration: Registration,
  environment: Environment,
  logger: Logger,
): Promise<void> {
  const startMs = performance.now();
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await registration.start();
    } catch (reason) {
      const error = MicroError.from(reason);
      if (performance.now() - startMs >= patienceMs(error, environment)) throw explain(error, environment);
      if (attempt === 1) logger.warn("waiting for the network", { network: environment.network(), error });
      await delay(backoffMs(attempt, { initialMs: 50, maxMs: 1_000 }));
    }
  }
}

/** How long after the first attempt another one is worth it. */
function patienceMs(error: MicroError, environment: Environment): number {
  if (error.neverSent) return environment.isLocalServer ? 0 : networkWaitMs;
  // To register twice is to register once.
  return error.code === "timeout" ? busyWaitMs : 0;
}

function explain(error: MicroError, environment: Environment): MicroError {
  const { code, httpStatus } = error;
  if (error.neverSent && environment.isLocalServer) return new MicroError("unavailable", noServerDetail);
  if (error.neverSent) {
    const detail = `no micro server answers at ${environment.network()}, which MICRO_SERVICE_NETWORK names`;
    return new MicroError(code, detail, { httpStatus, cause: error });
  }
  if (code === "unauthenticated" && environment.credentials() === undefined) {
    const detail = `the server at ${environment.network()} wants an account: set MICRO_CLIENT_ID and MICRO_CLIENT_SECRET`;
    return new MicroError(code, detail, { httpStatus });
  }
  return new MicroError(code, `could not register: ${error.detail}`, { at: error.id, httpStatus });
}
