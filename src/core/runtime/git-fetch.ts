import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import { readdir } from "node:fs/promises";
import type { GitCache } from "./git-cache.ts";
import { explainGitFailure, type GitFailure } from "./git-failure.ts";
import type { GitProgram } from "./git-program.ts";
import type { GitRemote } from "./git-remote.ts";
import { findRef, refPatterns, type FoundRef } from "./git-refs.ts";

/** A repository on a git server, and what of it is wanted. */
export interface GitRequest {
  readonly namespace: string;
  readonly url: string;
  readonly remote: GitRemote;
  readonly ref: string | undefined;
}

/** A commit that the cache holds with all its files. */
export interface FetchedCommit {
  /** All its digits. */
  readonly commit: string;
  /** What it was found by: a branch or tag without `refs/…/`, else the commit. */
  readonly ref: string;
}

/** A place of which its server says that there is no repository for us: of several that may be meant, another is. */
export interface NoRepository {
  readonly kind: "nowhere";
  readonly error: MicroError;
}

export interface GitFetchDeps {
  readonly program: GitProgram;
  readonly cache: GitCache;
}

/** References under which the cache keeps whole commits, so that git does not take them for rubbish. */
const keptRefs = "refs/micro/commits";

/**
 * What the server of a repository says a ref means now. Moves no files.
 *
 * @throws MicroError in one line: the host, the repository, the ref or the credential is wrong, or nothing answers in time.
 */
export async function askRef({ program, cache }: GitFetchDeps, request: GitRequest): Promise<FoundRef | NoRepository> {
  const { url, remote, ref } = request;
  const args = ["ls-remote", "--symref", "--", url, ...refPatterns(ref)];
  return cache.use(request.namespace, url, async (folder) => {
    const { code, stdout, stderr } = await program.run({ args, folder, remote });
    if (code === 0) return findRef(stdout, ref, url);
    const { error, isNowhere } = explain(stderr, request);
    if (isNowhere) return { kind: "nowhere", error };
    throw error;
  });
}

/**
 * Brings what was found into the cache, without its history, and says which commit it is. One that is there already
 * moves nothing.
 *
 * @throws MicroError as {@link askRef} does.
 */
export async function fetchCommit(
  deps: GitFetchDeps,
  request: GitRequest,
  { found, folder }: { readonly found: FoundRef; readonly folder: string },
): Promise<FetchedCommit> {
  const object =
    found.kind === "short" ? await findShort(deps, request, { text: found.text, folder }) : objectOf(found);
  const kept = await findKept(deps.program, folder, object);
  const commit = kept ?? (await bring(deps, request, { object, folder }));
  return { commit, ref: found.kind === "reference" ? shortName(found.ref.name) : commit };
}

function objectOf(found: Exclude<FoundRef, { readonly kind: "short" }>): string {
  return found.kind === "reference" ? found.ref.object : found.object;
}

/** The commit that an object is, where that is kept whole. */
async function findKept(program: GitProgram, folder: string, object: string): Promise<string | undefined> {
  const commit = await parseCommit(program, folder, object);
  if (commit === undefined) return undefined;
  const args = ["rev-parse", "--verify", "--quiet", `${keptRefs}/${commit}`];
  return (await program.run({ args, folder })).code === 0 ? commit : undefined;
}

async function parseCommit(program: GitProgram, folder: string, object: string): Promise<string | undefined> {
  const args = ["rev-parse", "--verify", "--quiet", "--end-of-options", `${object}^{commit}`];
  const { code, stdout } = await program.run({ args, folder });
  return code === 0 ? stdout.trim() : undefined;
}

async function bring(
  { program }: GitFetchDeps,
  request: GitRequest,
  { object, folder }: { readonly object: string; readonly folder: string },
): Promise<string> {
  await dropOld(program, folder);
  const { url, remote, ref } = request;
  const options = ["--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance"];
  const args = ["fetch", ...options, "--", url, object];
  const { code, stderr } = await program.run({ args, folder, remote });
  if (code !== 0) {
    if (/not our ref|couldn't find remote ref|unadvertised object/i.test(stderr)) {
      throw new MicroError("not_found", `${url} has no commit ${ref ?? object}`);
    }
    throw explain(stderr, request).error;
  }
  const commit = await parseCommit(program, folder, object);
  if (commit === undefined) throw new MicroError("invalid_argument", `${ref ?? object} of ${url} is not a commit`);
  await keep(program, folder, commit);
  return commit;
}

async function keep(program: GitProgram, folder: string, commit: string): Promise<void> {
  const args = ["update-ref", `${keptRefs}/${commit}`, commit];
  const { code, stderr } = await program.run({ args, folder });
  if (code !== 0) throw new MicroError("unavailable", `the cache of git sources cannot be written: ${stderr.trim()}`);
}

/** Each fetch leaves a pack. When there are many, all but the last commit is dropped; files that stay move no more. */
async function dropOld(program: GitProgram, folder: string): Promise<void> {
  const packs = (await readdir(`${folder}/objects/pack`).catch(() => [])).filter((name) => name.endsWith(".pack"));
  if (packs.length < limits.gitPackCountMax) return;
  const format = ["for-each-ref", "--sort=creatordate", "--format=delete %(refname)", keptRefs];
  const lines = (await program.run({ args: format, folder })).stdout.trim().split("\n");
  await program.run({ args: ["update-ref", "--stdin"], folder, input: `${lines.slice(0, -1).join("\n")}\n` });
  await program.run({ args: ["gc", "--quiet", "--prune=now"], folder });
}

/** A server finds no commit by its first digits: the history is fetched without files and looked through here. */
async function findShort(
  { program, cache }: GitFetchDeps,
  request: GitRequest,
  { text, folder }: { readonly text: string; readonly folder: string },
): Promise<string> {
  const kept = await parseCommit(program, folder, text);
  if (kept !== undefined) return kept;
  const { url, remote } = request;
  return cache.aside(async (aside) => {
    const refs = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];
    await program.run({ args: ["remote", "add", "origin", "--", url], folder: aside });
    const args = ["fetch", "--quiet", "--filter=tree:0", "--no-tags", "origin", ...refs];
    const { code, stderr } = await program.run({ args, folder: aside, remote });
    if (code !== 0) throw explain(stderr, request).error;
    const listed = await program.run({ args: ["rev-parse", `--disambiguate=${text}`], folder: aside });
    const commits = await onlyCommits(program, aside, listed.stdout.split("\n"));
    const [commit] = commits;
    if (commit === undefined) throw new MicroError("not_found", `${url} has no branch, no tag and no commit ${text}`);
    if (commits.length === 1) return commit;
    throw new MicroError("invalid_argument", `several commits of ${url} begin with ${text}; give more of it`);
  });
}

async function onlyCommits(program: GitProgram, folder: string, objects: readonly string[]): Promise<string[]> {
  const input = `${objects.filter((each) => each !== "").join("\n")}\n`;
  const args = ["cat-file", "--batch-check=%(objectname) %(objecttype)"];
  const { stdout } = await program.run({ args, folder, input });
  return stdout.split("\n").flatMap((line) => (line.endsWith(" commit") ? [line.slice(0, line.indexOf(" "))] : []));
}

function explain(stderr: string, { url, remote }: GitRequest): GitFailure {
  return explainGitFailure(stderr, { url, host: remote.host, hasCredential: remote.credential !== undefined });
}

/** As the user writes it. */
function shortName(name: string): string {
  return name.replace(/^refs\/(?:heads|tags)\//, "");
}
