import type { GitProtocol } from "#base/git-source.ts";

/** Name and password, or token, for one git server. */
export interface GitCredential {
  readonly user: string;
  readonly password: string;
}

/** Where git goes, and as whom. */
export interface GitRemote {
  readonly protocol: GitProtocol;
  readonly host: string;
  readonly credential?: GitCredential;
}
