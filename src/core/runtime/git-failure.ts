import { MicroError } from "#base/error.ts";
import type { ErrorCode } from "#base/error-code.ts";

/** What was asked of git. */
export interface GitQuestion {
  /** Of the repository, without a password. */
  readonly url: string;
  readonly host: string;
  /** Whether git had something to show when it was asked who it is. */
  readonly hasCredential: boolean;
}

/** Why git could not do what was asked. */
export interface GitFailure {
  /** One line for a person. */
  readonly error: MicroError;
  /** The server answers, and has no such repository for us. */
  readonly isNowhere: boolean;
}

interface Explanation {
  readonly isNowhere?: true;
  readonly sign: RegExp;
  readonly code: ErrorCode;
  readonly detail: (question: GitQuestion) => string;
}

/** The first that git's words show is what happened. They are those of the C locale. */
const explanations: readonly Explanation[] = [
  {
    sign: /cannot run ssh/i,
    code: "failed_precondition",
    detail: () => "ssh is not installed on the server; use https",
  },
  {
    // The system ends the part of git that writes, and git misses its answer.
    sign: /died of signal 25|file too large|invalid index-pack output/i,
    code: "payload_too_large",
    detail: ({ url }) => `${url} is too large to be fetched`,
  },
  {
    sign: /No space left on device|Disk quota exceeded/i,
    code: "unavailable",
    detail: () => "the server has no space left for sources",
  },
  {
    sign: /could not resolve host|name or service not known|temporary failure in name resolution|nodename nor servname/i,
    code: "not_found",
    detail: ({ host, url }) => `host ${host} is not known (${url})`,
  },
  {
    sign: /host key verification failed/i,
    code: "failed_precondition",
    detail: ({ host }) =>
      `the key of ${host} is not known to the server: connect once with ssh as the user who runs it`,
  },
  {
    sign: /permission denied \(/i,
    code: "failed_precondition",
    detail: ({ host, url }) => `${host} refuses the ssh key of the server for ${url}`,
  },
  {
    sign: /SSL certificate|certificate (?:problem|verif)|certificate verification|SSL_|local issuer/i,
    code: "failed_precondition",
    detail: ({ host }) => `the certificate of ${host} is not trusted by the server`,
  },
  {
    isNowhere: true,
    sign: /could not read (Username|Password)/i,
    code: "failed_precondition",
    detail: ({ host, url, hasCredential }) =>
      hasCredential
        ? `${host} refuses the credential for ${url}`
        : `${url} is private or does not exist; for a private one: micro user config set git.credentials.${host} TOKEN`,
  },
  {
    isNowhere: true,
    sign: /authentication failed|access denied: |requested URL returned error: 40[13]/i,
    code: "failed_precondition",
    detail: ({ host, url }) => `${host} refuses the credential for ${url}`,
  },
  {
    isNowhere: true,
    sign: /not found|does not appear to be a git repository|not exported|does not exist|no such file or directory|error: 404/i,
    code: "not_found",
    detail: ({ url, hasCredential }) =>
      `there is no repository ${url}${hasCredential ? ", or the credential does not open it" : ""}`,
  },
  {
    sign: /dubious ownership/i,
    code: "failed_precondition",
    detail: ({ url }) => `${url} belongs to another user than the server`,
  },
  {
    sign: /connection refused|failed to connect|timed out|unreachable|connection reset|could not connect/i,
    code: "unavailable",
    detail: ({ host, url }) => `${host === "" ? url : host} does not answer`,
  },
  {
    sign: /does not support shallow|dumb http/i,
    code: "failed_precondition",
    detail: ({ url }) => `${url} is served without git's smart protocol, which is needed`,
  },
];

/** What git said on standard error, understood. */
export function explainGitFailure(stderr: string, question: GitQuestion): GitFailure {
  // Names in the URL may be anything.
  const words = question.url === "" ? stderr : stderr.replaceAll(question.url, "…");
  const found = explanations.find(({ sign }) => sign.test(words));
  if (found !== undefined) {
    return { error: new MicroError(found.code, found.detail(question)), isNowhere: found.isNowhere === true };
  }
  const lines = stderr.split("\n").filter((line) => /^(?:fatal|error|remote):/.test(line));
  const said = (lines.at(-1) ?? stderr.trim().split("\n").at(-1) ?? "").replace(/^\w+:\s*/, "").slice(0, 200);
  const detail = `git cannot read ${question.url}${said === "" ? "" : `: ${said}`}`;
  return { error: new MicroError("unavailable", detail), isNowhere: false };
}
