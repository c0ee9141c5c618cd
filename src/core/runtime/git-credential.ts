import { MicroError } from "#base/error.ts";
import type { GitSource } from "#base/git-source.ts";
import type { GitCredential } from "./git-remote.ts";

/** Long enough for every kind of token, and for the buffer of a pipe. */
const lengthMax = 4_096;

/** What hosts want to read before a token; others take any name. */
const tokenUsers: Readonly<Record<string, string>> = {
  "github.com": "x-access-token",
  "gitlab.com": "oauth2",
  "bitbucket.org": "x-token-auth",
};

/** Whether a source is one that a credential can open. */
export function takesCredential({ protocol }: GitSource): boolean {
  return protocol === "https" || protocol === "http";
}

/**
 * A token, or `user:password`, as git hands it to the host of a source.
 *
 * @throws MicroError `invalid_argument` for one that cannot be sent, or that others could read on its way.
 */
export function toGitCredential(text: string, { protocol, host, places }: GitSource): GitCredential {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (text.length > lengthMax || /[\u0000-\u001f\u007f]/.test(text)) {
    throw new MicroError(
      "invalid_argument",
      `the credential for ${host} is no token: it is too long, or has more than one line`,
    );
  }
  if (protocol === "http" && !/^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/.test(host)) {
    throw new MicroError(
      "invalid_argument",
      `a credential is not sent over http, where others can read it; use https://${host}`,
    );
  }
  const colon = text.indexOf(":");
  if (colon > 0) return { user: text.slice(0, colon), password: text.slice(colon + 1) };
  const named = /^https?:\/\/([^/@]+)@/.exec(places[0]?.url ?? "")?.[1];
  return { user: named ?? tokenUsers[host] ?? "git", password: text };
}
