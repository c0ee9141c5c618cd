import { existsSync } from "node:fs";
import { explainRefusal } from "#cli/change-service.ts";
import { CommandError } from "#cli/command-error.ts";
import type { FlagValues } from "#cli/arguments/flag-values.ts";
import type { Command, Invocation } from "#cli/command.ts";
import {
  deployFlags,
  folderVersion,
  planDeployment,
  readPlanSource,
  uploadPlan,
  type DeploymentPlan,
} from "#cli/deploy.ts";
import { startProgress } from "#cli/output/progress-line.ts";
import { reportDeployment } from "#cli/report-deployment.ts";
import { readDeployed, type DeployedService } from "#cli/runtime-status.ts";
import { limits } from "#base/limits.ts";
import { isName } from "#base/name.ts";
import { runTimeoutMs, waitUntilRunning } from "#cli/wait-until-running.ts";

/** Flags of `run` that mean nothing here: an update always waits, since the old source goes when the new one answers. */
const otherFlags: ReadonlySet<string> = new Set(["detach"]);

/** `micro update SOURCE`: uploads or lets fetch anew, starts the new source beside the old and waits until it answers. */
export const command: Command = {
  kind: "command",
  summary: "Replace a running service by new source",
  usage: "SOURCE [-- ARG…]",
  details:
    "SOURCE is one as run takes it, or the name of a service that runs from a repository, which is fetched anew.\nThe old source stays up until the new one runs, and also when that does not start.\nWhat no flag says stays as it was.",
  flags: [
    ...deployFlags.filter(({ name }) => !otherFlags.has(name)),
    {
      name: "canary",
      kind: "string",
      placeholder: "PERCENT",
      help: "give the new source this share of the calls, until micro promote or micro rollback",
    },
  ],
  wordCount: { min: 1, max: 1 },
  takesRest: true,
  run: async (invocation) => {
    const plan = await planUpdate(invocation);
    const { flags, session, isJson } = invocation;
    const timeoutMs = flags.durationMs("timeout") ?? runTimeoutMs;
    const canary = readPercent(flags);
    // Where nobody said how long to wait, a build has the time that the server gives it.
    const callMs = flags.has("timeout") ? timeoutMs : timeoutMs + limits.buildTimeoutMs;
    const progress = startProgress();
    let deployed: DeployedService;
    let oldCommit: string;
    try {
      const files = await readPlanSource(plan, progress);
      const [present] = await readDeployed(session, { name: plan.name, version: folderVersion });
      if (present === undefined) {
        throw new CommandError(`${plan.name} not found; start it with "micro run"`, {
          code: "not_found",
          exitCode: 127,
        });
      }
      oldCommit = present.commit;
      const oldInstances = new Set(present.instances.map(({ id }) => id));
      const { resource, options: said } = await uploadPlan(plan, files, { session, progress });
      const options = canary === undefined ? said : { ...said, canary };
      progress.show(`${plan.name}: starting`);
      // The server answers when the new source runs, so the call may take as long as a start.
      await session
        .call("runtime", "Runtime.Update", { resource, options }, { timeoutMs: callMs })
        .catch(explainRefusal);
      const wait = { name: plan.name, version: folderVersion, timeoutMs, oldInstances, progress };
      deployed = await waitUntilRunning(session, wait);
    } finally {
      progress.clear();
    }
    reportDeployment(plan.name, deployed, { isJson, oldCommit });
  },
};

/** @throws CommandError for a share that is none. */
function readPercent(flags: FlagValues): number | undefined {
  const percent = flags.count("canary");
  if (percent === undefined || (percent >= 1 && percent <= 99)) return percent;
  throw new CommandError(`Invalid value "${percent}" for flag -canary: it is from 1 to 99, in percent of the calls`);
}

/** The name of a service from a repository, where no folder is called so, stands for where that service came from. */
async function planUpdate(invocation: Invocation): Promise<DeploymentPlan> {
  const { words, flags, session } = invocation;
  const [word = ""] = words;
  if (!isName("service", word) || existsSync(word) || flags.has("name")) return planDeployment(invocation);
  const [present] = await readDeployed(session, { name: word, version: folderVersion });
  if (present === undefined || present.commit === "") return planDeployment(invocation);
  return { ...planDeployment({ ...invocation, words: [present.source] }), name: word };
}
