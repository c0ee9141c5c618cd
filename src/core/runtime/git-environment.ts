import { limits } from "#base/limits.ts";
import type { GitRemote } from "./git-remote.ts";

/** Variables of the server that git needs to get out: proxies, certificates, the agent that holds ssh keys. */
const passedVariables = [
  "PATH",
  "TMPDIR",
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "ALL_PROXY",
  "NO_PROXY",
  "http_proxy",
  "https_proxy",
  "all_proxy",
  "no_proxy",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
  "GIT_SSL_CAINFO",
  "SSH_AUTH_SOCK",
];

/** Asked by git for the password: what stands in the pipe that only this process and git hold. */
const credentialHelper = '!f() { test "$1" = get && cat <&3; }; f';

/** Names the server that started a git, so that the next one knows what is left of it. */
export const ownerVariable = "MICRO_GIT_OWNER";

/** The whole environment of a git that works in `folder`: none of the settings of the user, the machine or the repository's owner. */
export function createGitEnvironment(
  serverEnv: Readonly<Record<string, string | undefined>>,
  {
    folder,
    remote,
    owner,
  }: { readonly folder: string; readonly remote: GitRemote | undefined; readonly owner: string },
): Record<string, string> {
  const passed = passedVariables.flatMap((name) => {
    const value = serverEnv[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  const settings = gitSettings(remote).flatMap(([key, value], index) => [
    [`GIT_CONFIG_KEY_${index}`, key] as const,
    [`GIT_CONFIG_VALUE_${index}`, value] as const,
  ]);
  return {
    ...Object.fromEntries(passed),
    HOME: folder,
    [ownerVariable]: owner,
    LC_ALL: "C",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_ATTR_NOSYSTEM: "1",
    GIT_TERMINAL_PROMPT: "0",
    GIT_NO_LAZY_FETCH: "1",
    GIT_NO_REPLACE_OBJECTS: "1",
    GIT_ALLOW_PROTOCOL: remote?.protocol ?? "none",
    GIT_SSH_COMMAND:
      "ssh -oBatchMode=yes -oStrictHostKeyChecking=yes -oConnectTimeout=15 -oServerAliveInterval=15 -oForwardAgent=no",
    GIT_CONFIG_COUNT: String(settings.length / 2),
    ...Object.fromEntries(settings),
  };
}

function gitSettings(remote: GitRemote | undefined): readonly (readonly [string, string])[] {
  const settings: (readonly [string, string])[] = [
    ["core.hooksPath", "/dev/null"],
    ["gc.auto", "0"],
    ["maintenance.auto", "false"],
    // Packs, whatever their size, so that the limit of one file is the limit of one fetch.
    ["fetch.unpackLimit", "1"],
    ["fetch.recurseSubmodules", "false"],
    // A file that is large once it is unpacked must not be in memory as a whole, and a fetch must not take all cores.
    ["core.bigFileThreshold", "16m"],
    ["pack.threads", "2"],
    ["http.lowSpeedLimit", "1000"],
    ["http.lowSpeedTime", String(limits.gitIdleSeconds)],
    ["credential.helper", ""],
  ];
  if (remote?.credential === undefined) return settings;
  // Only for this host: one that git is sent on to is told nothing.
  return [...settings, [`credential.${remote.protocol}://${remote.host}.helper`, credentialHelper]];
}
