import { commandTable } from "#cli/command-table.ts";
import type { CommandNode } from "#cli/command.ts";
import { findFlag, globalFlags, type FlagSpec } from "#cli/arguments/flag-spec.ts";
import { findCommandWord, isFlagWord } from "#cli/arguments/parse-arguments.ts";
import type { Session } from "#cli/connection/session.ts";
import { mergeEndpoints } from "#cli/output/format-service.ts";
import { endpointWords, findEndpoint } from "#cli/schema/find-endpoint.ts";
import { listFlags } from "#cli/schema/resolve-field.ts";
import { findService, type EndpointEntry } from "#cli/schema/service-entry.ts";
import { listServices } from "#cli/service-list.ts";
import { shells } from "./completion-script.ts";

/** Commands whose words are services. */
const takesServices: ReadonlySet<string> = new Set([
  "call",
  "stream",
  "kill",
  "logs",
  "status",
  "describe",
  "get service",
]);

/**
 * What the word after `words` may be; the caller filters by what is typed of it. Without a server there are commands and
 * flags only.
 */
export async function completeLine(
  session: Session,
  words: readonly string[],
  current: string,
): Promise<readonly string[]> {
  const previous = words.at(-1);
  if (previous === "--env" || previous === "-e") return session.environments.all().map(({ name }) => name);
  if (previous === "--output" || previous === "-o") return ["json", "text"];
  const position = findCommandWord(words, globalFlags);
  if (position === -1) {
    if (current.startsWith("-")) return flagWords(globalFlags);
    return [...commandNames(), "help", ...(await orNone(serviceNames(session)))];
  }
  const name = words[position] ?? "";
  const after = words.slice(position + 1);
  if (name === "help") return after.length === 0 ? commandNames() : [];
  const entry = commandTable.find((each) => each.name === name);
  if (entry === undefined) return completeService(session, { service: name, after, current });
  return completeCommand(session, { node: (await entry.load()).command, path: [name], after, current });
}

interface CommandLine {
  readonly node: CommandNode;
  readonly path: readonly string[];
  readonly after: readonly string[];
  readonly current: string;
}

async function completeCommand(session: Session, line: CommandLine): Promise<readonly string[]> {
  const { node, path, after, current } = line;
  const words = after.filter((word) => !isFlagWord(word));
  const child = node.kind === "group" ? node.children[words[0] ?? ""] : undefined;
  if (child !== undefined) {
    const rest = after.toSpliced(after.indexOf(words[0] ?? ""), 1);
    return completeCommand(session, { node: child, path: [...path, words[0] ?? ""], after: rest, current });
  }
  const command = node.kind === "group" ? node.alone : node;
  if (current.startsWith("-")) return flagWords([...(command?.flags ?? []), ...globalFlags]);
  if (node.kind === "group") return words.length === 0 ? Object.keys(node.children) : [];
  const name = path.join(" ");
  if (name === "completion") return words.length === 0 ? shells : [];
  if (name === "env set" || name === "env del") return session.environments.all().map((each) => each.name);
  if (!takesServices.has(name)) return [];
  if ((name === "call" || name === "stream") && words.length === 1) {
    return (await endpointsOf(session, words[0] ?? "")).map((endpoint) => endpoint.name);
  }
  return words.length === 0 || name === "kill" ? orNone(serviceNames(session)) : [];
}

async function completeService(
  session: Session,
  {
    service,
    after,
    current,
  }: { readonly service: string; readonly after: readonly string[]; readonly current: string },
): Promise<readonly string[]> {
  const endpoints = await endpointsOf(session, service);
  const flagAt = after.findIndex(isFlagWord);
  const words = flagAt === -1 ? after : after.slice(0, flagAt);
  if (current.startsWith("-")) {
    const fields = findEndpoint(endpoints, service, words)?.request;
    const own =
      fields === undefined ? [] : listFlags(fields).map((flag) => `--${flag.name}${flag.type === "bool" ? "" : "="}`);
    return [...own, ...flagWords(globalFlags)];
  }
  const typed = words.length === 0 ? "" : `${words.join(" ")} `;
  return endpoints
    .map(({ name }) => endpointWords(service, name))
    .filter((each) => each.startsWith(typed))
    .map((each) => each.slice(typed.length).split(" ")[0] ?? "");
}

/** A person waits at the prompt: a server that is slow is as good as none. */
const patienceMs = 1_000;

async function serviceNames(session: Session): Promise<readonly string[]> {
  return (await listServices(session, { timeoutMs: patienceMs })).map(({ name }) => name);
}

async function endpointsOf(session: Session, service: string): Promise<readonly EndpointEntry[]> {
  return mergeEndpoints(await orNone(findService(session, service, { timeoutMs: patienceMs })));
}

function commandNames(): readonly string[] {
  return commandTable.filter((entry) => entry.isHidden !== true).map(({ name }) => name);
}

function flagWords(specs: readonly FlagSpec[]): readonly string[] {
  return specs.filter((spec) => findFlag(specs, spec.name) === spec).map((spec) => `--${spec.name}`);
}

/** Completion never disturbs: what the server refuses is simply not offered. */
async function orNone<T>(work: Promise<readonly T[]>): Promise<readonly T[]> {
  try {
    return await work;
  } catch {
    return [];
  }
}
