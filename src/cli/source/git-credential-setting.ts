import type { ConfigFile } from "#cli/connection/config-file.ts";

const root = "git.credentials";

/** Hosts that Micro's command line calls by a shorter name. */
const shortNames: Readonly<Record<string, string>> = {
  "github.com": "github",
  "gitlab.com": "gitlab",
  "bitbucket.org": "bitbucket",
};

/** Whether a setting is never shown. */
export function isCredentialKey(key: string): boolean {
  return key === root || key.startsWith(`${root}.`);
}

/** The key under which a credential is kept: hosts with a shorter name have one setting, not two. */
export function toSettingKey(key: string): string {
  if (!key.startsWith(`${root}.`)) return key;
  const host = key.slice(root.length + 1);
  return `${root}.${shortNames[host] ?? host}`;
}

/**
 * The token, or `user:password`, that the settings have for a host: `git.credentials.HOST`, or, as Micro writes it for other
 * hosts than the known ones, `git.credentials.url` and `git.credentials.token`.
 */
export function findGitCredential(config: Pick<ConfigFile, "get">, host: string): string | undefined {
  const own = textAt(config, toSettingKey(`${root}.${host}`));
  if (own !== undefined) return own;
  const url = textAt(config, `${root}.url`)
    ?.replace(/^https?:\/\//, "")
    .replace(/\/+$/, "");
  return url === host ? textAt(config, `${root}.token`) : undefined;
}

/** Undefined for a setting that only leads to others. */
function textAt(config: Pick<ConfigFile, "get">, key: string): string | undefined {
  const value = config.get(key);
  return value?.startsWith("{") === true ? undefined : value;
}
