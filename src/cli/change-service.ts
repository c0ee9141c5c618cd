import { MicroError } from "#base/error.ts";
import { CommandError } from "./command-error.ts";
import type { Command, Invocation } from "./command.ts";
import { startProgress } from "./output/progress-line.ts";
import { printJson, printNote } from "./output/print.ts";
import { parseServiceReference } from "./service-name.ts";

/** Long enough for a service of many processes, which are replaced a few at a time. */
const changeTimeoutMs = 5 * 60_000;

/** A change of a service that runs, done by the server. */
export interface ServiceChange {
  /** Of `runtime.Runtime`. */
  readonly endpoint: "Runtime.Restart" | "Runtime.Scale" | "Runtime.Rollback" | "Runtime.Promote";
  /** What is said while it goes on, such as `restarting`. */
  readonly doing: string;
  /** What is said afterwards, such as `was restarted`. */
  readonly done: string;
  readonly instances?: number;
}

export const changeFlags: Command["flags"] = [
  { name: "timeout", kind: "string", placeholder: "5m", help: "how long to wait until it is done, default 5m" },
];

/** Has a service changed and waits until that is done. @throws CommandError with the server's reason where it cannot be. */
export async function changeService(
  { session, words, flags, isJson }: Invocation,
  change: ServiceChange,
): Promise<void> {
  const { name, version } = parseServiceReference(words[0] ?? "");
  const service = { name, version: version === "" ? "latest" : version };
  const { endpoint, doing, done, instances = 0 } = change;
  const timeoutMs = flags.durationMs("timeout") ?? changeTimeoutMs;
  const options = { namespace: session.namespace, instances };
  const progress = startProgress();
  progress.show(`${name}: ${doing}`);
  try {
    await session.call("runtime", endpoint, { resource: { service }, options }, { timeoutMs }).catch(explainRefusal);
  } finally {
    progress.clear();
  }
  if (isJson) printJson({ ...service, status: "running" });
  else printNote(`${name} ${done}`);
}

/** That new processes do not start is a failure of the command, with the server's reason. */
export function explainRefusal(reason: unknown): never {
  if (!MicroError.is(reason) || reason.code !== "failed_precondition") throw reason;
  throw new CommandError(reason.detail, { code: reason.code, cause: reason });
}
