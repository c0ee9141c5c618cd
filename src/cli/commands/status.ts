import type { Command } from "#cli/command.ts";
import { readDeployed, shortCommit, type DeployedService } from "#cli/runtime-status.ts";
import { parseServiceReference } from "#cli/service-name.ts";
import { formatDuration } from "#base/duration.ts";
import { formatTable } from "#cli/output/format-table.ts";
import { printJson, printLines } from "#cli/output/print.ts";

/** `micro status`: how deployed services are. Nothing is printed where there are none. */
export const command: Command = {
  kind: "command",
  summary: "Show how services are",
  usage: "[NAME [VERSION]]",
  flags: [],
  wordCount: { min: 0, max: 2 },
  run: async ({ session, words: [text, version], isJson }) => {
    const reference = text === undefined ? undefined : parseServiceReference(text);
    const named = version ?? (reference?.version === "" ? undefined : reference?.version);
    const services = await readDeployed(session, {
      ...(reference === undefined ? {} : { name: reference.name }),
      ...(named === undefined ? {} : { version: named }),
    });
    if (isJson) printJson(services.map(toJson));
    else if (services.length > 0) printLines(formatTable([header, ...services.map((each) => toRow(each, Date.now()))]));
  },
};

const header = ["NAME", "VERSION", "SOURCE", "STATUS", "BUILD", "UPDATED", "METADATA"];

function toRow(service: DeployedService, nowMs: number): readonly string[] {
  const { name, version, status, metadata, startedMs } = service;
  const updated = startedMs === undefined ? "n/a" : `${formatDuration(nowMs - startedMs)} ago`;
  return [name, version, describeSource(service), status, metadata["build"] ?? "n/a", updated, describe(service)];
}

/** A repository with the commit that runs. */
function describeSource({ source, commit }: DeployedService): string {
  if (source === "") return "n/a";
  if (commit === "") return source;
  const short = shortCommit(commit);
  return source.endsWith(`@${commit}`) ? source.replace(commit, short) : `${source} (${short})`;
}

function describe({ name, service, metadata, error, status }: DeployedService): string {
  const parts = [`owner=${metadata["owner"] ?? "n/a"}`, `group=${metadata["group"] ?? "n/a"}`];
  if (service !== name) parts.push(`service=${service}`);
  if (status === "error" || error !== "") parts.push(`error=${error === "" ? "n/a" : error}`);
  return parts.join(", ");
}

function toJson(service: DeployedService): object {
  const { startedMs, ...rest } = service;
  return { ...rest, started: startedMs === undefined ? null : new Date(startedMs).toISOString() };
}
