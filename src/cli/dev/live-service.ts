import { MicroError } from "#base/error.ts";
import { CommandError } from "#cli/command-error.ts";
import type { Session } from "#cli/connection/session.ts";
import { folderVersion, readPlanSource, uploadPlan } from "#cli/deploy.ts";
import { readDeployed } from "#cli/runtime-status.ts";
import { checkEntry } from "#cli/source/check-entry.ts";
import { waitUntilRunning } from "#cli/wait-until-running.ts";
import { formatDuration } from "#base/duration.ts";
import type { LiveOptions } from "./run-live.ts";
import { sourceChanges, type SourceChange } from "./source-changes.ts";

export interface LiveServiceDeps extends Omit<LiveOptions, "print" | "signal"> {
  readonly session: Session;
  /** Called when the server has the service for the first time. */
  readonly onDeployed: () => void;
}

/**
 * Keeps a service on the server as its folder is, until `signal` aborts: deploys it, and again after each change. What goes
 * wrong is said, and the next change is waited for.
 *
 * @throws MicroError when the first attempt shows that there is no server, login or right.
 */
export async function keepDeployed(deps: LiveServiceDeps, signal: AbortSignal): Promise<void> {
  const changes = sourceChanges(deps.folder, signal);
  // Asked for before the source is read, so that what changes meanwhile is not missed.
  let next = changes.next();
  for (let isFirst = true; ; isFirst = false) {
    await deployAndSay(deps, { signal, isFirst });
    const change = await next;
    if (change.done === true || signal.aborted) return;
    deps.say(describeChange(change.value));
    next = changes.next();
  }
}

async function deployAndSay(
  deps: LiveServiceDeps,
  { signal, isFirst }: { readonly signal: AbortSignal; readonly isFirst: boolean },
): Promise<void> {
  const startedMs = performance.now();
  try {
    await deploy(deps, signal);
    deps.progress.clear();
    deps.say(`${deps.plan.name} is running, after ${formatSpan(performance.now() - startedMs)}`);
  } catch (reason) {
    deps.progress.clear();
    if (signal.aborted) return;
    const error = MicroError.from(reason);
    if (isFirst && isHopeless(error)) throw error;
    deps.say(error.detail, true);
  }
}

/** Creates the service, or replaces what runs of it. @throws MicroError or CommandError when it does not run then. */
async function deploy(deps: LiveServiceDeps, signal: AbortSignal): Promise<void> {
  const { session, plan, folder, timeoutMs, progress } = deps;
  const { name } = plan;
  const files = await readPlanSource(plan, progress);
  if (deps.hasToFindEntry) checkEntry(folder, files);
  const [present] = await readDeployed(session, { name, version: folderVersion });
  const oldInstances = new Set(present?.instances.map(({ id }) => id));
  const { resource, options } = await uploadPlan(plan, files, { session, progress });
  progress.show(`${name}: starting`);
  // What fails again and again is not updated beside itself, but started over.
  if (present === undefined || present.status === "error" || present.status === "stopped") {
    const request = { resource, options: { ...options, force: present !== undefined } };
    await session.call("runtime", "Runtime.Create", request, { timeoutMs, signal });
    deps.onDeployed();
  } else {
    deps.onDeployed();
    await session.call("runtime", "Runtime.Update", { resource, options }, { timeoutMs, signal });
  }
  await waitUntilRunning(session, { name, version: folderVersion, timeoutMs, oldInstances, progress });
}

/** No change of the source mends that there is no server, no login or no right. */
function isHopeless(error: MicroError): boolean {
  if (error instanceof CommandError) return false;
  return error.code === "unauthenticated" || error.code === "permission_denied" || error.neverSent;
}

function describeChange(paths: SourceChange): string {
  const [first = "", ...others] = paths;
  return others.length === 0 ? `${first} changed` : `${first} and ${others.length} more changed`;
}

/** Tenths of a second, where that is what a person looks at. */
function formatSpan(ms: number): string {
  return ms < 10_000 ? `${(ms / 1_000).toFixed(1)}s` : formatDuration(ms);
}
