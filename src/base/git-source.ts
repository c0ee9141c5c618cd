import { MicroError } from "./error.ts";
import { isGitRef } from "./git-ref.ts";

/** How a repository is reached. */
export type GitProtocol = "https" | "http" | "ssh" | "git" | "file";

/** Where a repository may be, and the folder in it that is meant. */
export interface GitPlace {
  /** As git takes it, without a password. */
  readonly url: string;
  /** Below the root of the repository; empty for the root itself. */
  readonly folder: string;
}

/** A source that lies in a git repository. */
export interface GitSource {
  readonly protocol: GitProtocol;
  /** `host` or `host:port` as it was written, in lower case; empty for a file. */
  readonly host: string;
  /**
   * One place where the text says which part of it is the repository. Else, on hosts that have groups in groups, all that
   * it can be, the shortest first: the first that is a repository is meant.
   */
  readonly places: readonly GitPlace[];
  /** Branch, tag or commit; undefined for the default branch. */
  readonly ref: string | undefined;
  /** What was parsed, without the ref. */
  readonly text: string;
}

const urlPattern = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/([^/]*)(\/.*)?$/s;
const scpPattern = /^([A-Za-z0-9_][\w.-]*@)([A-Za-z0-9][A-Za-z0-9.-]*):(?!:|\/\/)(.+)$/s;
const shortPattern = /^((?:[A-Za-z0-9][A-Za-z0-9-]*\.)+[A-Za-z0-9][A-Za-z0-9-]*|localhost)(:\d+)?\/(.*)$/s;
const hostPattern = /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/;

/** Hosts where a repository is always `owner/repo`. */
const flatHosts: ReadonlySet<string> = new Set(["github.com", "bitbucket.org"]);
/** Groups in groups that are looked through on other hosts: each costs a question to the host. */
const placeCountMax = 6;

/**
 * Reads `host/owner/repo[/folder][@ref]`, or a URL of git: `https://…`, `ssh://…`, `git@host:path`, `git://…`, `file://…`. In a
 * URL the folder comes after the `.git` of the repository or after `//`. A ref begins at the first `@` of the path that does
 * not begin a name, so that both `packages/@scope/name` and tags like `name@1.0.0` can be said.
 *
 * @returns undefined for a text of another form: a path, or a bare name.
 * @throws MicroError `invalid_argument` for one that has the form and is wrong.
 */
export function parseGitSource(text: string): GitSource | undefined {
  const url = urlPattern.exec(text);
  if (url !== null) return fromUrl(text, url);
  const scp = scpPattern.exec(text);
  if (scp !== null) return fromScp(text, scp);
  const short = shortPattern.exec(text);
  return short === null ? undefined : fromShort(text, short);
}

/** What a service is called that comes from there when nothing else is said: the last name of the path. */
export function nameOfGitSource({ text }: GitSource): string {
  const path = text.replace(/\/+$/, "").replace(/\.git$/, "");
  return path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf(":")) + 1);
}

function fromUrl(text: string, [, scheme = "", authority = "", rest = ""]: readonly string[]): GitSource {
  const protocol = toProtocol(text, scheme.toLowerCase());
  const at = authority.lastIndexOf("@");
  const user = authority.slice(0, at + 1);
  const host = authority.slice(at + 1).toLowerCase();
  if (user.includes(":")) {
    const detail =
      'a source holds no password, it would be seen by others; use "micro user config set git.credentials.HOST TOKEN"';
    throw new MicroError("invalid_argument", detail);
  }
  if (user !== "" && !/^\w[\w.~%+-]*@$/.test(user)) throw refused(text, "the user before the host is none");
  if (protocol === "file" ? authority !== "" : !hostPattern.test(host)) {
    throw refused(text, protocol === "file" ? "write file:///PATH" : "the host is none");
  }
  const { path, ref } = splitRef(text, rest.slice(1));
  const prefix = `${protocol}://${user}${host}/`;
  const places = flatHosts.has(host) ? [splitAfter(text, prefix, path, 2)] : [splitMarked(text, prefix, path)];
  return { protocol, host, places, ref, text: `${prefix}${path}` };
}

function fromScp(text: string, [, user = "", host = "", rest = ""]: readonly string[]): GitSource {
  // Without a slash the path begins at the home folder of the user there.
  const start = rest.startsWith("/") ? "/" : "";
  const { path, ref } = splitRef(text, rest.slice(start.length));
  const prefix = `${user}${host.toLowerCase()}:${start}`;
  const isFlat = flatHosts.has(host.toLowerCase());
  const places = isFlat ? [splitAfter(text, prefix, path, 2)] : [splitMarked(text, prefix, path)];
  return { protocol: "ssh", host: host.toLowerCase(), places, ref, text: `${prefix}${path}` };
}

function fromShort(text: string, [, name = "", port = "", rest = ""]: readonly string[]): GitSource {
  const host = `${name}${port}`.toLowerCase();
  const { path, ref } = splitRef(text, rest);
  const prefix = `https://${host}/`;
  const source = { protocol: "https", host, ref, text: `${host}/${path}` } as const;
  if (flatHosts.has(host)) return { ...source, places: [splitAfter(text, prefix, path, 2)] };
  if (isMarked(path)) return { ...source, places: [splitMarked(text, prefix, path)] };
  const count = checkSegments(text, path).length;
  if (count < 2) throw refused(text, "it names no repository; write host/owner/repo");
  const lengths = Array.from({ length: Math.min(count - 1, placeCountMax) }, (_, index) => index + 2);
  return { ...source, places: lengths.map((length) => splitAfter(text, prefix, path, length)) };
}

function toProtocol(text: string, scheme: string): GitProtocol {
  const known = (["https", "http", "ssh", "git", "file"] as const).find((each) => each === scheme);
  if (known !== undefined) return known;
  throw refused(text, "its protocol is not one of https, http, ssh, git and file");
}

function splitRef(text: string, rest: string): { readonly path: string; readonly ref: string | undefined } {
  const at = /[^/]@/.exec(rest)?.index;
  const path = (at === undefined ? rest : rest.slice(0, at + 1)).replace(/\/+$/, "");
  if (at === undefined) return { path, ref: undefined };
  const ref = rest.slice(at + 2);
  if (!isGitRef(ref))
    throw refused(text, ref === "" ? "the ref after @ is missing" : "what is after @ is no ref of git");
  return { path, ref };
}

function isMarked(path: string): boolean {
  return path.includes("//") || /\.git(?:\/|$)/.test(path);
}

/** The repository ends at `//`, else behind its `.git`, else with the path. */
function splitMarked(text: string, prefix: string, path: string): GitPlace {
  const slashes = path.indexOf("//");
  const end = slashes === -1 ? (/\.git(?=\/)/.exec(path)?.index ?? path.length - 4) + 4 : slashes;
  const repository = path.slice(0, end);
  const folder = path.slice(end).replace(/^\/+/, "");
  if (repository === "") throw refused(text, "it names no repository");
  checkSegments(text, repository);
  if (folder !== "") checkSegments(text, folder);
  return { url: `${prefix}${repository}`, folder };
}

function splitAfter(text: string, prefix: string, path: string, count: number): GitPlace {
  const segments = checkSegments(text, path.replace("//", "/"));
  if (segments.length < count) throw refused(text, "it names no repository; write host/owner/repo");
  const [first, second, third] = segments;
  if (third === "tree" || third === "blob" || third === "-") {
    throw refused(
      text,
      `that is the address of a page; write ${prefix.replace(/^https:\/\//, "")}${first}/${second}/FOLDER@REF`,
    );
  }
  return { url: `${prefix}${segments.slice(0, count).join("/")}`, folder: segments.slice(count).join("/") };
}

/** The names of a path. @throws MicroError for one that leads up or elsewhere, or that git could take for an option. */
function checkSegments(text: string, path: string): readonly string[] {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\u0000-\u0020\u007f\\?#]/.test(path)) throw refused(text, "its path holds a character that has no place there");
  const segments = path.split("/");
  for (const segment of segments) {
    if (segment === "") throw refused(text, "a name of its path is empty");
    if (segment === "." || segment === "..") throw refused(text, "its path leads up");
    if (segment.startsWith("-")) throw refused(text, "a name of its path begins with a dash");
  }
  return segments;
}

function refused(text: string, why: string): MicroError {
  const masked = text.replace(/\/\/[^/@]*:[^/]*@/, "//…@");
  const shown = masked.length > 120 ? `${masked.slice(0, 120)}…` : masked;
  return new MicroError("invalid_argument", `${JSON.stringify(shown)} is no source: ${why}`);
}
