import { formatDuration } from "#base/duration.ts";
import { MicroError } from "#base/error.ts";
import type { Stoppable } from "#base/lifecycle.ts";
import { CommandError } from "#cli/command-error.ts";
import type { Session } from "#cli/connection/session.ts";
import { folderVersion, readPlanSource, uploadPlan, type PlanFiles } from "#cli/deploy.ts";
import { readDeployed } from "#cli/runtime-status.ts";
import { checkEntry } from "#cli/source/check-entry.ts";
import { waitUntilRunning } from "#cli/wait-until-running.ts";
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
  let watched = deps.folder;
  // Watched before the source is read, so that what changes meanwhile is not missed.
  let watch = startWatch(watched, signal);
  try {
    for (let isFirst = true; !signal.aborted; isFirst = false) {
      const sent = await deployAndSay(deps, { signal, isFirst });
      if (sent !== undefined && sent !== watched) {
        // It has begun to need what lies above its folder, or needs it no more.
        await watch.stop();
        watched = sent;
        watch = startWatch(watched, signal);
      }
      const change = await watch.next();
      if (change !== undefined) deps.say(describeChange(change));
    }
  } finally {
    await watch.stop();
  }
}

interface Watch extends Stoppable {
  /** The next change; undefined when the watch has ended. */
  next(): Promise<SourceChange | undefined>;
}

function startWatch(folder: string, signal: AbortSignal): Watch {
  const ended = new AbortController();
  const changes = sourceChanges(folder, AbortSignal.any([signal, ended.signal]));
  const take = async (): Promise<SourceChange | undefined> => {
    const { value, done } = await changes.next();
    return done === true ? undefined : value;
  };
  let coming = take();
  return {
    next: async () => {
      const change = await coming;
      if (change !== undefined) coming = take();
      return change;
    },
    stop: async () => {
      ended.abort();
      while ((await coming) !== undefined) coming = take();
    },
  };
}

/** The folder that was sent; undefined where nothing was. */
async function deployAndSay(
  deps: LiveServiceDeps,
  { signal, isFirst }: { readonly signal: AbortSignal; readonly isFirst: boolean },
): Promise<string | undefined> {
  const startedMs = performance.now();
  let sent: string | undefined;
  try {
    const files = await readPlanSource(deps.plan, deps.progress);
    sent = rootOf(deps.folder, files);
    if (deps.hasToFindEntry) checkEntry(deps.folder, files.own);
    await deploy(deps, files, signal);
    deps.progress.clear();
    deps.say(`${deps.plan.name} is running, after ${formatSpan(performance.now() - startedMs)}`);
  } catch (reason) {
    deps.progress.clear();
    const error = MicroError.from(reason);
    if (isFirst && isHopeless(error)) throw error;
    if (!signal.aborted) deps.say(error.detail, true);
  }
  return sent;
}

/** The folder that holds all that is sent. */
function rootOf(folder: string, files: PlanFiles): string {
  return files.folder === "" ? folder : folder.slice(0, -files.folder.length - 1);
}

/** Creates the service, or replaces what runs of it. @throws MicroError or CommandError when it does not run then. */
async function deploy(deps: LiveServiceDeps, files: PlanFiles, signal: AbortSignal): Promise<void> {
  const { session, plan, timeoutMs, progress } = deps;
  const { name } = plan;
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
