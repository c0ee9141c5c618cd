import { dirname } from "node:path";
import type { BuildPlan } from "./build-plan.ts";
import type { BunRunner } from "./launch-command.ts";

export interface BuildEnvironmentOptions {
  /** The server's own environment. */
  readonly serverEnv: Readonly<Record<string, string | undefined>>;
  /** Where package managers keep what they fetched. */
  readonly home: string;
  readonly temporary: string;
  readonly plan: BuildPlan;
  readonly bun: BunRunner;
  /** What `micro.json` says. */
  readonly buildEnv: Readonly<Record<string, string>>;
}

/** What a build gets of the server's own environment. */
const inheritedNames = ["LANG", "LC_ALL", "TZ"] as const;

/** The whole environment of a build: nothing of the server's but where its programs are, and nothing of the service's identity. */
export function createBuildEnvironment(options: BuildEnvironmentOptions): Readonly<Record<string, string>> {
  const { serverEnv, home, temporary, plan, bun, buildEnv } = options;
  const inherited = inheritedNames.flatMap((name) => {
    const value = serverEnv[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return {
    ...Object.fromEntries(inherited),
    // The server's Bun comes last: whoever installed another one meant that.
    PATH: [serverEnv["PATH"] ?? "/usr/local/bin:/usr/bin:/bin", dirname(bun.path)].join(":"),
    HOME: home,
    TMPDIR: temporary,
    CI: "1",
    GIT_TERMINAL_PROMPT: "0",
    ...plan.env,
    ...bun.env,
    ...buildEnv,
  };
}
