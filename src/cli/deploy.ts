import { resolve } from "node:path";
import { checkName } from "./check-name.ts";
import { CommandError } from "./command-error.ts";
import type { Invocation } from "./command.ts";
import type { FlagSpec } from "./arguments/flag-spec.ts";
import type { FlagValues } from "./arguments/flag-values.ts";
import type { Session } from "./connection/session.ts";
import { nameOfFolder, nameOfRepository } from "./service-name.ts";
import type { ProgressLine } from "./output/progress-line.ts";
import { collectSource, type SourceFile } from "./source/collect-source.ts";
import { chooseSource, type ChosenSource } from "./source/choose-source.ts";
import { findSourceRoot, toSourcePath } from "./source/find-source-root.ts";
import { uploadSource } from "./source/upload-source.ts";
import { KiB } from "#base/limits.ts";
import { parseMemorySize } from "#base/memory-size.ts";
import { splitCommand } from "#base/split-command.ts";

/** Flags of `run` and `update`. */
export const deployFlags: readonly FlagSpec[] = [
  {
    name: "name",
    kind: "string",
    placeholder: "NAME",
    help: "name of the service, default that of the folder or repository",
  },
  { name: "command", kind: "string", placeholder: "PROGRAM", help: "program that runs it, with its arguments" },
  { name: "args", kind: "list", placeholder: "ARG", help: "argument of the program" },
  {
    name: "env-vars",
    kind: "list",
    placeholder: "KEY=VALUE",
    help: "environment of the service; several joined by commas",
  },
  {
    name: "secrets",
    kind: "list",
    placeholder: "KEY[=VALUE]",
    help: "environment that is kept sealed; KEY alone takes the value of this shell",
  },
  { name: "entrypoint", kind: "string", placeholder: "FILE", help: "file of the folder to start" },
  {
    name: "root",
    kind: "string",
    placeholder: "FOLDER",
    help: "folder to send, which holds that of the service; default what it needs of its repository",
  },
  { name: "instances", short: "i", kind: "string", placeholder: "N", help: "processes to run, default 1" },
  { name: "runner", kind: "string", placeholder: "bun|node", help: "what runs JavaScript, default bun" },
  { name: "memory", kind: "string", placeholder: "512MiB", help: "memory that a process may use" },
  { name: "cpu", kind: "string", placeholder: "0.5", help: "cores that a process may use" },
  { name: "metadata", kind: "list", placeholder: "KEY=VALUE", help: "metadata of the service" },
  { name: "detach", short: "d", kind: "bool", help: "do not wait until it runs" },
  { name: "timeout", kind: "string", placeholder: "60s", help: "how long to wait until it runs, default 60s" },
];

/** What is to run, with its source on the server. */
export interface Deployment {
  readonly resource: {
    readonly service: {
      readonly name: string;
      readonly version: string;
      readonly source: string;
      readonly metadata: Readonly<Record<string, string>>;
    };
  };
  readonly options: Readonly<Record<string, unknown>>;
}

/** Version of what is run; a ref of git is part of the source. */
export const folderVersion = "latest";

/** What a command line says of a deployment, checked before anything is sent. */
export interface DeploymentPlan {
  readonly source: ChosenSource;
  /** Folder to send, where it was said; else as much as the service needs. */
  readonly root: string | undefined;
  readonly name: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly options: Readonly<Record<string, unknown>>;
}

/** @throws CommandError for a wrong flag. */
export function planDeployment({ words, rest, flags, session }: Invocation): DeploymentPlan {
  const source = chooseSource(words[0] ?? ".", session);
  const name = flags.text("name");
  const metadata = Object.fromEntries(splitPairs(flags.list("metadata"), "metadata"));
  return {
    source,
    root: readRoot(flags, source),
    name: name === undefined ? defaultName(source) : checkName("service", name),
    metadata: source.kind === "folder" ? { ...metadata, source: source.folder } : metadata,
    options: {
      namespace: session.namespace,
      command: splitCommand(flags.text("command") ?? ""),
      args: [...flags.list("args"), ...(rest ?? [])],
      env: splitPairs(flags.list("env-vars"), "env-vars").map(([key, value]) => `${key}=${value}`),
      entrypoint: flags.text("entrypoint") ?? "",
      instances: readInstances(flags),
      runner: flags.choice("runner", ["bun", "node"]) ?? "",
      memory: readMemory(flags),
      cpu: readCpu(flags),
      ...withSecrets(flags, source),
    },
  };
}

function defaultName(source: ChosenSource): string {
  return source.kind === "folder" ? nameOfFolder(source.folder) : nameOfRepository(source.name);
}

/** @throws CommandError for a folder that does not hold the service's. */
function readRoot(flags: FlagValues, source: ChosenSource): string | undefined {
  const text = flags.text("root");
  if (text === undefined) return undefined;
  const root = resolve(text);
  if (source.kind === "folder" && `${source.folder}/`.startsWith(`${root}/`)) return root;
  const why = source.kind === "git" ? "a repository is read by the server" : `it does not hold ${source.folder}`;
  throw new CommandError(`Invalid value "${text}" for flag -root: ${why}`);
}

/** Zero leaves the number to the server. @throws CommandError for a number that would run nothing. */
function readInstances(flags: FlagValues): number {
  const count = flags.count("instances");
  if (count !== 0) return count ?? 0;
  throw new CommandError('Invalid value "0" for flag -instances: it is 1 or more; "micro kill" stops a service');
}

/** What is kept sealed: variables of the service, and what opens its repository. @throws CommandError for a variable that is not set. */
function withSecrets(flags: FlagValues, source: ChosenSource): { readonly secrets?: Readonly<Record<string, string>> } {
  const pairs = flags.list("secrets").flatMap(splitAtCommas).map(readSecret);
  const credential = source.kind === "git" ? source.credential : undefined;
  if (pairs.length === 0 && credential === undefined) return {};
  return {
    secrets: { ...Object.fromEntries(pairs), ...(credential === undefined ? {} : { GIT_CREDENTIALS: credential }) },
  };
}

function readSecret(text: string): readonly [string, string] {
  const equals = text.indexOf("=");
  if (equals > 0) return [text.slice(0, equals), text.slice(equals + 1)];
  const value = process.env[text];
  if (value !== undefined) return [text, value];
  throw new CommandError(
    `Invalid value "${text.slice(0, 40)}" for flag -secrets: write KEY=VALUE, or set ${text.slice(0, 40)} in this shell`,
  );
}

/** Bytes; zero leaves the limit to micro.json. @throws CommandError for what is no amount of memory. */
function readMemory(flags: FlagValues): number {
  const text = flags.text("memory");
  if (text === undefined) return 0;
  try {
    return parseMemorySize(text);
  } catch (reason) {
    throw new CommandError(`Invalid value "${text}" for flag -memory: write 512MiB or 2GiB`, { cause: reason });
  }
}

/** Thousandths of a core; zero leaves the limit to micro.json. @throws CommandError for what is no number of cores. */
function readCpu(flags: FlagValues): number {
  const text = flags.text("cpu");
  if (text === undefined) return 0;
  const cores = /^\d+(\.\d{1,3})?$/.test(text) ? Number(text) : 0;
  if (cores > 0) return Math.round(cores * 1_000);
  throw new CommandError(`Invalid value "${text}" for flag -cpu: it is a number of cores, such as 0.5 or 2`);
}

/** What of a plan is sent. */
export interface PlanFiles {
  /** All that goes to the server; none for a repository, which the server reads. */
  readonly files: readonly SourceFile[];
  /** The service's folder among them; empty where it is all of them. */
  readonly folder: string;
  /** Those of the service's folder, as they are called there. */
  readonly own: readonly SourceFile[];
}

/** The files of a plan. @throws CommandError for a folder that cannot be read. */
export async function readPlanSource({ source, root }: DeploymentPlan, progress: ProgressLine): Promise<PlanFiles> {
  if (source.kind === "git") return { files: [], folder: "", own: [] };
  progress.show(`reading ${source.folder}`);
  const own = await collectSource(source.folder);
  const sent = root ?? (await findSourceRoot(source.folder, own));
  if (sent === source.folder) return { files: own, folder: "", own };
  const files = await collectSource(sent);
  const folder = toSourcePath(sent, source.folder);
  // What git ignores there is not part of the repository, and is run as it lies here.
  const isPart = files.some(({ path }) => path.startsWith(`${folder}/`));
  return isPart ? { files, folder, own } : { files: own, folder: "", own };
}

/** Sends the files of a plan to the server, where it has any. @throws MicroError of the server. */
export async function uploadPlan(
  plan: DeploymentPlan,
  { files, folder }: PlanFiles,
  { session, progress }: { readonly session: Session; readonly progress: ProgressLine },
): Promise<Deployment> {
  const target = { name: plan.name, version: folderVersion };
  if (plan.source.kind === "git") {
    progress.show(`${plan.name}: fetching ${plan.source.text}`);
    return {
      resource: { service: { ...target, source: plan.source.text, metadata: plan.metadata } },
      options: plan.options,
    };
  }
  const onSent = (bytes: number): void => progress.show(`uploading ${plan.name}: ${Math.ceil(bytes / KiB)} KiB`);
  const source = await uploadSource(session, { ...target, folder }, { files, onSent });
  return { resource: { service: { ...target, source, metadata: plan.metadata } }, options: plan.options };
}

/**
 * `a=b` pairs; several may be joined by commas, as Micro takes them, where each part is a pair of its own.
 *
 * @throws CommandError for one without an equals sign.
 */
export function splitPairs(texts: readonly string[], flag: string): readonly (readonly [string, string])[] {
  return texts.flatMap(splitAtCommas).map((pair) => {
    const equals = pair.indexOf("=");
    if (equals > 0) return [pair.slice(0, equals), pair.slice(equals + 1)] as const;
    throw new CommandError(`Invalid value "${pair}" for flag -${flag}: write KEY=VALUE`);
  });
}

/** A comma separates only where a new `KEY=` follows; another one belongs to the value. */
function splitAtCommas(text: string): readonly string[] {
  return text.split(/,(?=[A-Za-z_][A-Za-z0-9_.-]*=)/);
}
