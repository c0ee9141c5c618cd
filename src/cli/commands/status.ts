import type { Command, Invocation } from "#cli/command.ts";
import { untilInterrupted } from "#cli/interrupt.ts";
import { describeTerminal } from "#cli/output/terminal.ts";
import { formatTable } from "#cli/output/format-table.ts";
import { printCompactJson, printJson, printLines, printNote } from "#cli/output/print.ts";
import { startRedraw } from "#cli/output/redraw.ts";
import { readDeployed, shortCommit, type DeployedService, type ServiceFilter } from "#cli/runtime-status.ts";
import { parseServiceReference } from "#cli/service-name.ts";
import { watchDeployed, type DeployedSnapshot } from "#cli/watch-deployed.ts";
import { formatDuration } from "#base/duration.ts";

/** `micro status`: how deployed services are. Nothing is printed where there are none. */
export const command: Command = {
  kind: "command",
  summary: "Show how services are",
  usage: "[NAME [VERSION]]",
  details:
    "--watch goes on until Ctrl-C: a table that changes in place, or in a pipe and with --output json one line of JSON for each\n" +
    "service that has changed; one that is gone has the status deleted.",
  flags: [{ name: "watch", short: "w", kind: "bool", help: "stay, and show what changes" }],
  wordCount: { min: 0, max: 2 },
  run: async (invocation) => {
    const { session, flags, isJson } = invocation;
    const filter = readFilter(invocation);
    if (flags.isOn("watch")) return watch(invocation, filter);
    const services = await readDeployed(session, filter);
    if (isJson) printJson(services.map(toJson));
    else if (services.length > 0) printLines(toTable(services));
  },
};

function readFilter({ words: [text, version] }: Invocation): ServiceFilter {
  const reference = text === undefined ? undefined : parseServiceReference(text);
  const named = version ?? (reference?.version === "" ? undefined : reference?.version);
  return {
    ...(reference === undefined ? {} : { name: reference.name }),
    ...(named === undefined ? {} : { version: named }),
  };
}

function watch({ session, isJson }: Invocation, filter: ServiceFilter): Promise<void> {
  const { isTerminal } = describeTerminal(process.env);
  const show = isTerminal && !isJson ? createTableView() : createChangeView();
  return untilInterrupted(async (signal) => {
    for await (const snapshot of watchDeployed(session, filter, signal)) show(snapshot);
  });
}

/** A table in place of the one before. What was known last stays while the server is away. */
function createTableView(): (snapshot: DeployedSnapshot) => void {
  const redraw = startRedraw();
  let lines: readonly string[] = [];
  return (snapshot) => {
    if (snapshot.kind === "away")
      return redraw.show([...lines, "", `waiting for the server: ${snapshot.error.detail}`]);
    lines = snapshot.services.length === 0 ? ["nothing is deployed"] : toTable(snapshot.services);
    redraw.show(lines);
  };
}

/** One line of JSON for each service that has changed. */
function createChangeView(): (snapshot: DeployedSnapshot) => void {
  let known = new Map<string, string>();
  let isAway = false;
  return (snapshot) => {
    if (snapshot.kind === "away") {
      if (!isAway) printNote(`waiting for the server: ${snapshot.error.detail}`);
      isAway = true;
      return;
    }
    isAway = false;
    const next = new Map(
      snapshot.services.map((each) => [`${each.name}@${each.version}`, JSON.stringify(toJson(each))]),
    );
    for (const each of snapshot.services) {
      const key = `${each.name}@${each.version}`;
      if (known.get(key) !== next.get(key)) printCompactJson(toJson(each));
    }
    for (const [key, text] of known) {
      if (!next.has(key)) printCompactJson({ ...(JSON.parse(text) as object), status: "deleted", instances: [] });
    }
    known = next;
  };
}

function toTable(services: readonly DeployedService[]): string[] {
  return formatTable([header, ...services.map((each) => toRow(each, Date.now()))]);
}

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

function describe({ name, service, metadata, canary, error, status }: DeployedService): string {
  const parts = [`owner=${metadata["owner"] ?? "n/a"}`, `group=${metadata["group"] ?? "n/a"}`];
  if (service !== name) parts.push(`service=${service}`);
  if (canary > 0) parts.push(`canary=${canary}%`);
  if (status === "error" || error !== "") parts.push(`error=${error === "" ? "n/a" : error}`);
  return parts.join(", ");
}

function toJson(service: DeployedService): object {
  const { startedMs, ...rest } = service;
  return { ...rest, started: startedMs === undefined ? null : new Date(startedMs).toISOString() };
}
