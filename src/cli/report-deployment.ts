import { folderVersion } from "./deploy.ts";
import { printJson, printNote } from "./output/print.ts";
import { shortCommit, type DeployedService } from "./runtime-status.ts";
import { parseGitSource } from "#base/git-source.ts";

export interface ReportOptions {
  readonly isJson: boolean;
  /** Of the repository that ran before an update; empty where it came from none. */
  readonly oldCommit?: string;
}

/**
 * Says that a service was deployed, what others call it where its code gives it another name than its deployment, and which
 * commit it runs where it came from a repository.
 */
export function reportDeployment(
  name: string,
  deployed: DeployedService | undefined,
  { isJson, oldCommit }: ReportOptions,
): void {
  const status = deployed === undefined ? "starting" : "running";
  const service = deployed?.service ?? name;
  const named = service === name ? {} : { service };
  const commit = deployed?.commit ?? "";
  const canary = deployed?.canary ?? 0;
  const beside = { ...(commit === "" ? {} : { commit }), ...(canary === 0 ? {} : { canary }) };
  if (isJson) printJson({ name, version: folderVersion, status, ...named, ...beside });
  else
    printNote(
      `${name} is ${status}${service === name ? "" : ` as service ${service}`}${describe(deployed, oldCommit)}${canary === 0 ? "" : `, its canary gets ${canary}% of the calls`}`,
    );
}

function describe(deployed: DeployedService | undefined, oldCommit: string | undefined): string {
  if (deployed === undefined || deployed.commit === "") return "";
  const ref = parseGitSource(deployed.source)?.ref ?? deployed.commit;
  const said = ref === deployed.commit ? shortCommit(ref) : `${ref} ${shortCommit(deployed.commit)}`;
  return oldCommit === deployed.commit ? ` (no new commit: ${said})` : ` (${said})`;
}
