import { CommandError } from "#cli/command-error.ts";
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
import { checkEntry } from "#cli/source/check-entry.ts";
import { watchRun } from "#cli/watch-run.ts";
import { limits } from "#base/limits.ts";
import { runTimeoutMs, waitUntilRunning } from "#cli/wait-until-running.ts";

/** `micro run SOURCE`: uploads or lets fetch, starts and waits until the service answers. Standard output stays empty. */
export const command: Command = {
  kind: "command",
  summary: "Run a service from a folder or a git repository",
  usage: "SOURCE [-- ARG…]",
  details:
    "SOURCE is a folder, which is uploaded without what git ignores, host/owner/repo[/folder][@ref], or a URL of git.\nReturns when the service runs.",
  flags: [
    ...deployFlags,
    { name: "force", kind: "bool", help: "start it anew if it runs already" },
    { name: "watch", short: "w", kind: "bool", help: "stay, show its log, and run it anew when the folder changes" },
  ],
  wordCount: { min: 1, max: 1 },
  takesRest: true,
  run: async (invocation) => {
    if (invocation.flags.isOn("watch")) return watchRun(invocation);
    const plan = planDeployment(invocation);
    const { flags, session } = invocation;
    const timeoutMs = flags.durationMs("timeout") ?? runTimeoutMs;
    const progress = startProgress();
    let deployed: DeployedService | undefined;
    try {
      const files = await readPlanSource(plan, progress);
      const { source } = plan;
      if (source.kind === "folder" && !flags.has("command") && !flags.has("entrypoint"))
        checkEntry(source.folder, files.own);
      const isReplaced = await checkPresent(invocation, plan);
      const { resource, options } = await uploadPlan(plan, files, { session, progress });
      const request = { resource, options: { ...options, force: isReplaced } };
      // The server answers when the source is there, so the call may take as long as a fetch.
      const fetchMs = source.kind === "git" ? limits.gitTimeoutMs : 0;
      await session.call("runtime", "Runtime.Create", request, { timeoutMs: timeoutMs + fetchMs });
      if (!flags.isOn("detach")) {
        const wait = { name: plan.name, version: folderVersion, timeoutMs, oldInstances: new Set<string>(), progress };
        deployed = await waitUntilRunning(session, wait);
      }
    } finally {
      progress.clear();
    }
    reportDeployment(plan.name, deployed, invocation);
  },
};

/** Whether a service of that name is there and has to be replaced. @throws CommandError when it runs. */
async function checkPresent({ session, flags }: Invocation, { name, source }: DeploymentPlan): Promise<boolean> {
  if (flags.isOn("force")) return true;
  const [present] = await readDeployed(session, { name, version: folderVersion });
  if (present === undefined) return false;
  // One that failed or was stopped may be tried again with new source.
  if (present.status === "error" || present.status === "stopped") return true;
  const asked = source.kind === "git" ? source.text : source.folder;
  // Two folders or repositories may have the same last name.
  const isOther = present.source !== "" && !present.source.startsWith(asked);
  const detail = isOther
    ? `${name} is already running from ${present.source}; use "micro update" to replace it, or --name for another`
    : `${name} is already running; use "micro update" to replace it`;
  throw new CommandError(detail, { code: "conflict" });
}
