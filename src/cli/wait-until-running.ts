import { CommandError } from "./command-error.ts";
import type { Session } from "./connection/session.ts";
import { readDeployed, type DeployedService } from "./runtime-status.ts";
import type { ProgressLine } from "./output/progress-line.ts";
import { formatDuration } from "#base/duration.ts";
import { delay } from "#base/lifecycle.ts";

/** How often the server is asked: a service is up within half a second, and asking costs a millisecond. */
const pollMs = 40;

/** Long enough for a service that has to be built. */
export const runTimeoutMs = 60_000;

export interface RunWait {
  readonly name: string;
  readonly version: string;
  readonly timeoutMs: number;
  /** Instances that ran before: while they are all there is, the new ones are not up. */
  readonly oldInstances: ReadonlySet<string>;
  readonly progress: ProgressLine;
}

/**
 * Waits until the service runs, and returns what it is then.
 *
 * @throws CommandError with the reason when it cannot, and when it does not within the time.
 */
export async function waitUntilRunning(session: Session, wait: RunWait): Promise<DeployedService> {
  const endMs = Date.now() + wait.timeoutMs;
  let service: DeployedService | undefined;
  while (Date.now() < endMs) {
    [service] = await readDeployed(session, { name: wait.name, version: wait.version });
    if (service === undefined)
      throw new CommandError(`${wait.name} was removed while it was starting`, { exitCode: 127 });
    if (service.status === "error") throw failed(service);
    if (service.status === "running" && hasNewInstance(service, wait.oldInstances)) return service;
    wait.progress.show(`${wait.name}: ${service.status}`);
    await delay(pollMs);
  }
  const last = service === undefined ? "unknown" : service.status;
  throw new CommandError(
    `${wait.name} is not running after ${formatDuration(wait.timeoutMs)}, it is ${last}; see "micro logs ${wait.name}"`,
    { code: "timeout" },
  );
}

function hasNewInstance({ instances }: DeployedService, old: ReadonlySet<string>): boolean {
  return instances.length === 0 || instances.some(({ id, status }) => !old.has(id) && status === "running");
}

function failed({ name, error }: DeployedService): CommandError {
  const reason = error === "" ? "it does not start" : error;
  return new CommandError(`${name} cannot run: ${reason}; see "micro logs ${name}"`, { code: "failed_precondition" });
}
