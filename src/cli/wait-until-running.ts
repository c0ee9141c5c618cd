import { CommandError } from "./command-error.ts";
import type { Session } from "./connection/session.ts";
import { readDeployed, type DeployedService } from "./runtime-status.ts";
import type { ProgressLine } from "./output/progress-line.ts";
import { formatDuration } from "#base/duration.ts";
import { delay } from "#base/lifecycle.ts";

/** How often the server is asked: a service is up within half a second, and asking costs a millisecond. */
const pollMs = 40;

/** Long enough for a service to start; the time of a build comes on top. */
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
  let endMs = Date.now() + wait.timeoutMs;
  let service: DeployedService | undefined;
  while (Date.now() < endMs) {
    [service] = await readDeployed(session, { name: wait.name, version: wait.version });
    if (service === undefined)
      throw new CommandError(`${wait.name} was removed while it was starting`, { exitCode: 127 });
    if (service.status === "error") throw failed(service);
    if (service.status === "running" && hasNewInstance(service, wait.oldInstances)) return service;
    // The server ends a build that takes too long; the time of a start begins when it is done.
    if (service.status === "building") endMs = Date.now() + wait.timeoutMs;
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
  const log = reason.startsWith("the build failed") ? `micro logs ${name} --build` : `micro logs ${name}`;
  return new CommandError(`${name} cannot run: ${reason}; see "${log}"`, { code: "failed_precondition" });
}
