import { MicroError } from "#base/error.ts";
import type { Session } from "#cli/connection/session.ts";
import type { DeploymentPlan } from "#cli/deploy.ts";
import type { ProgressLine } from "#cli/output/progress-line.ts";
import type { Fields } from "#cli/service-answer.ts";
import { followLog } from "./follow-log.ts";
import { keepDeployed } from "./live-service.ts";

export interface LiveOptions {
  readonly plan: DeploymentPlan;
  readonly folder: string;
  /** For a service to run, in milliseconds. */
  readonly timeoutMs: number;
  /** False where a flag says what to start. */
  readonly hasToFindEntry: boolean;
  readonly progress: ProgressLine;
  /** One line for the person at the terminal. */
  readonly say: (text: string, isFailure?: boolean) => void;
  /** Takes what the service logs, from now on. */
  readonly print: (record: Fields) => void;
  readonly signal: AbortSignal;
}

/**
 * Runs a folder, shows its log and runs it anew when it changes, until `signal` aborts.
 *
 * @throws MicroError when the first attempt shows that there is no server, login or right.
 */
export async function runLive(session: Session, options: LiveOptions): Promise<void> {
  const { plan, say, print, progress } = options;
  const sinceMs = Date.now();
  const ended = new AbortController();
  const signal = AbortSignal.any([options.signal, ended.signal]);
  let log: Promise<void> | undefined;
  const onDeployed = (): void => {
    log ??= followLog(session, { name: plan.name, sinceMs, print, signal }).catch((reason: unknown) =>
      say(MicroError.from(reason).detail, true),
    );
  };
  try {
    await keepDeployed({ ...options, session, onDeployed }, signal);
  } finally {
    progress.clear();
    ended.abort();
    await log;
  }
}
