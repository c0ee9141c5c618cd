import type { CreateServiceOptions, ResourceLimits, ServiceRunner } from "#interface/runtime.ts";
import type { ServiceManifest } from "./service-manifest.ts";

/** How a service is run: what was said of it, else what its `micro.json` says. */
export interface RunSettings extends Pick<
  ServiceManifest,
  "build" | "buildEnv" | "installScripts" | "language" | "port" | "openapi" | "health"
> {
  /** Empty: what the source suggests. */
  readonly command: readonly string[];
  readonly args: readonly string[];
  /** `NAME=value`; of two of the same name the later one counts. */
  readonly env: readonly string[];
  readonly entrypoint: string;
  readonly instances: number;
  readonly runner?: ServiceRunner;
  readonly resources: ResourceLimits;
}

/** Joins the two; what was said goes first, variable by variable in `env`. An empty text or list says nothing. */
export function resolveRunSettings(
  options: CreateServiceOptions,
  manifest: ServiceManifest | undefined = {},
): RunSettings {
  const { command: _command, args: _args, env, entrypoint, instances, runner, resources, ...rest } = manifest;
  const said = { ...options.resources };
  return {
    ...rest,
    command: firstOf(options.command, manifest.command),
    args: firstOf(options.args, manifest.args),
    env: [...Object.entries(env ?? {}).map(([name, value]) => `${name}=${value}`), ...(options.env ?? [])],
    entrypoint: chooseEntrypoint(options.entrypoint, entrypoint),
    instances: options.instances ?? instances ?? 1,
    ...withRunner(options.runner === undefined || options.runner === "" ? runner : options.runner),
    resources: { ...resources, ...said },
  };
}

/** The port that was named for a service: by its environment, else by `micro.json`. Undefined: any free one. */
export function namedPort({ env, port }: Pick<RunSettings, "env" | "port">): number | undefined {
  const said = Number(env.findLast((pair) => pair.startsWith("PORT="))?.slice("PORT=".length));
  return Number.isInteger(said) && said > 0 && said < 65_536 ? said : port;
}

/** A `micro.json` in the folder that was named may say what in it is meant. */
function chooseEntrypoint(said = "", written = ""): string {
  return said === "" || written.startsWith(`${said}/`) ? written : said;
}

function firstOf(said: readonly string[] | undefined, written: readonly string[] | undefined = []): readonly string[] {
  return said === undefined || said.length === 0 ? written : said;
}

function withRunner(runner: ServiceRunner | undefined): Pick<RunSettings, "runner"> {
  return runner === undefined ? {} : { runner };
}
