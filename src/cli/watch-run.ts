import type { Invocation } from "./command.ts";
import { folderVersion, planDeployment } from "./deploy.ts";
import { CommandError } from "./command-error.ts";
import { runLive } from "./dev/run-live.ts";
import { untilInterrupted } from "./interrupt.ts";
import { createLogPrinter } from "./output/log-printer.ts";
import { printNote } from "./output/print.ts";
import { startProgress } from "./output/progress-line.ts";
import { describeTerminal, paint } from "./output/terminal.ts";
import { readDeployed } from "./runtime-status.ts";
import { runTimeoutMs } from "./wait-until-running.ts";

/**
 * `micro run --watch FOLDER`: runs a service, shows its log, and deploys it anew whenever its source changes, until Ctrl-C. The
 * service goes on then, and that is said.
 *
 * @throws CommandError for a source that is no folder.
 */
export async function watchRun(invocation: Invocation): Promise<void> {
  const { session, flags, isJson } = invocation;
  const plan = planDeployment(invocation);
  const { name, source } = plan;
  if (source.kind !== "folder")
    throw new CommandError("--watch is for folders: a repository does not change by itself");
  if (flags.isOn("detach"))
    throw new CommandError("--watch waits for changes, --detach waits for nothing: use one of them");
  const terminal = describeTerminal(process.env);
  const print = createLogPrinter({ ...terminal, isJson, names: [] });
  const progress = startProgress();
  const say = (text: string, isFailure = false): void =>
    printNote(isFailure && terminal.hasColors ? paint(text, "red") : text);
  const timeoutMs = flags.durationMs("timeout") ?? runTimeoutMs;
  const hasToFindEntry = !flags.has("command") && !flags.has("entrypoint");
  const { folder } = source;
  await untilInterrupted((signal) =>
    runLive(session, { plan, folder, timeoutMs, hasToFindEntry, progress, say, print, signal }),
  );
  const [deployed] = await readDeployed(session, { name, version: folderVersion });
  if (deployed === undefined) return;
  printNote(`watching has ended, ${name} goes on (${deployed.status}); "micro kill ${name}" ends it`);
}
