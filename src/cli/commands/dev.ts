import { MicroError } from "#base/error.ts";
import type { Command, Invocation } from "#cli/command.ts";
import { folderVersion, planDeployment, type DeploymentPlan } from "#cli/deploy.ts";
import { findServices } from "#cli/dev/find-services.ts";
import { runLive } from "#cli/dev/run-live.ts";
import { untilInterrupted } from "#cli/interrupt.ts";
import { createLogPrinter } from "#cli/output/log-printer.ts";
import { createNamePrefix } from "#cli/output/name-prefix.ts";
import { printNote } from "#cli/output/print.ts";
import { describeTerminal, paint } from "#cli/output/terminal.ts";
import { readDeployed } from "#cli/runtime-status.ts";
import { runTimeoutMs } from "#cli/wait-until-running.ts";

/** Marks what this command started, so that it knows it again after it was killed. */
const devKey = "dev";

/** `micro dev`: the services of a folder, run together while they are worked on. */
export const command: Command = {
  kind: "command",
  summary: "Run the services of a folder, and anew when they change",
  usage: "[FOLDER…]",
  details:
    "Runs every folder that is a service: FOLDER itself, else those below it (default: the current folder). Their logs are\n" +
    "mixed, each line with its name in front. What changes is run anew. Ctrl-C ends all that this command started.",
  flags: [
    { name: "timeout", kind: "string", placeholder: "60s", help: "how long to wait until one runs, default 60s" },
  ],
  run: async (invocation) => {
    const { words } = invocation;
    const folders = await findServices(words.length === 0 ? ["."] : words);
    const plans = folders.map((folder) => planLive(invocation, folder));
    const view = createView(invocation, plans);
    const running = await findRunning(invocation, plans);
    view.note(`running ${plans.map(({ plan }) => plan.name).join(", ")}; Ctrl-C ends them`);
    try {
      await untilInterrupted((signal) => runAll(invocation, plans, { view, signal }));
    } finally {
      await endAll(invocation, plans, { view, running });
    }
  },
};

interface LivePlan {
  readonly plan: DeploymentPlan;
  readonly folder: string;
}

function planLive(invocation: Invocation, folder: string): LivePlan {
  const plan = planDeployment({ ...invocation, words: [folder] });
  return { folder, plan: { ...plan, metadata: { ...plan.metadata, [devKey]: "true" } } };
}

interface View {
  readonly note: (text: string) => void;
  readonly say: (name: string, text: string, isFailure: boolean) => void;
  readonly print: ReturnType<typeof createLogPrinter>;
}

function createView({ isJson }: Invocation, plans: readonly LivePlan[]): View {
  const terminal = describeTerminal(process.env);
  const names = plans.map(({ plan }) => plan.name);
  const prefix = createNamePrefix(names, terminal.hasColors);
  const mark = (text: string, isFailure: boolean): string =>
    terminal.hasColors ? paint(text, isFailure ? "red" : "dim") : text;
  return {
    note: (text) => printNote(mark(text, false)),
    say: (name, text, isFailure) => printNote(`${prefix(name)}${mark(text, isFailure)}`),
    print: createLogPrinter({ ...terminal, isJson, names }),
  };
}

/** Names of what ran before and was not started by this command. */
async function findRunning({ session }: Invocation, plans: readonly LivePlan[]): Promise<ReadonlySet<string>> {
  const deployed = await readDeployed(session, { version: folderVersion });
  const others = deployed.filter(({ metadata }) => metadata[devKey] === undefined).map(({ name }) => name);
  return new Set(plans.map(({ plan }) => plan.name).filter((name) => others.includes(name)));
}

/** @throws MicroError of the first that cannot be run for a reason that no change of its source mends; all have ended then. */
async function runAll(
  { session, flags }: Invocation,
  plans: readonly LivePlan[],
  { view, signal: interrupted }: { readonly view: View; readonly signal: AbortSignal },
): Promise<void> {
  const failed = new AbortController();
  const signal = AbortSignal.any([interrupted, failed.signal]);
  const timeoutMs = flags.durationMs("timeout") ?? runTimeoutMs;
  const progress = { show: () => undefined, clear: () => undefined };
  const runs = plans.map(async ({ plan, folder }) => {
    const say = (text: string, isFailure = false): void => view.say(plan.name, text, isFailure);
    const own = { plan, folder, timeoutMs, hasToFindEntry: true, progress, say, print: view.print, signal };
    try {
      await runLive(session, own);
    } catch (reason) {
      failed.abort(reason);
    }
  });
  await Promise.all(runs);
  if (failed.signal.aborted) throw MicroError.from(failed.signal.reason);
}

/** Ends what was started here; what ran before goes on, with the source that it has now. */
async function endAll(
  { session }: Invocation,
  plans: readonly LivePlan[],
  { view, running }: { readonly view: View; readonly running: ReadonlySet<string> },
): Promise<void> {
  const names = plans.map(({ plan }) => plan.name);
  const started = names.filter((name) => !running.has(name));
  const ends = started.map((name) => end(name));
  const failures = (await Promise.all(ends)).flatMap((failure) => failure ?? []);
  if (started.length > 0 && failures.length === 0) view.note(`ended ${started.join(", ")}`);
  if (running.size > 0) view.note(`${[...running].join(", ")} ran before, and goes on`);
  for (const each of failures) view.note(each);

  async function end(name: string): Promise<string | undefined> {
    const request = {
      resource: { service: { name, version: folderVersion } },
      options: { namespace: session.namespace },
    };
    try {
      await session.call("runtime", "Runtime.Delete", request);
      return undefined;
    } catch (reason) {
      const error = MicroError.from(reason);
      return error.code === "not_found" ? undefined : `${name} could not be ended: ${error.detail}`;
    }
  }
}
