import type { Clock } from "#base/clock.ts";
import { MicroError } from "#base/error.ts";
import type { GitPlace, GitSource } from "#base/git-source.ts";
import type { Stoppable } from "#base/lifecycle.ts";
import { GitCache, type GitCacheLimits } from "./git-cache.ts";
import { askRef, fetchCommit, type GitFetchDeps, type GitRequest } from "./git-fetch.ts";
import { packGitFiles, readTexts } from "./git-objects.ts";
import { GitProgram, type GitCredential, type GitProgramOptions } from "./git-program.ts";
import type { FoundRef } from "./git-refs.ts";
import { standsAlone } from "./git-root.ts";
import { parseGitTree, selectFiles } from "./git-tree.ts";
import type { SourceStore } from "./source-store.ts";

export interface GitSourcesDeps {
  readonly sources: SourceStore;
  readonly clock: Clock;
  /** Where `git/` lies. */
  readonly runtimeFolder: string;
}

export type GitSourcesOptions = GitProgramOptions & GitCacheLimits;

/** What a source of git means now. */
export interface GitContent {
  /** Of the files, which the source store keeps. */
  readonly sha256: string;
  /** Below the root of the files. */
  readonly folder: string;
  /** All its digits. */
  readonly commit: string;
  /** Branch or tag that was asked for or is the default; else the commit. */
  readonly ref: string;
}

export interface GitAsked {
  readonly namespace: string;
  readonly source: GitSource;
  readonly credential?: GitCredential;
}

/** Sources that lie in git repositories: fetched with git into a cache, and kept like uploads. */
export class GitSources implements Stoppable {
  readonly #sources: SourceStore;
  readonly #fetch: GitFetchDeps;

  constructor({ sources, clock, runtimeFolder }: GitSourcesDeps, options: GitSourcesOptions) {
    const program = new GitProgram(options);
    this.#sources = sources;
    this.#fetch = { program, cache: new GitCache({ folder: `${runtimeFolder}/git`, program, clock }, options) };
  }

  /**
   * Asks the repository's server what the source means now, fetches what is not here, and keeps it.
   *
   * @throws MicroError in one line that says what of the source is wrong, or what does not answer.
   */
  async resolve(asked: GitAsked): Promise<GitContent> {
    const { place, request, found } = await this.#find(asked);
    const { program, cache } = this.#fetch;
    return cache.use(request.namespace, request.url, async (repository) => {
      const { commit, ref } = await fetchCommit(this.#fetch, request, { found, folder: repository });
      const tree = parseGitTree(await this.#list(repository, commit));
      const links = [...tree.links];
      const texts = await readTexts(
        program,
        repository,
        links.map(([, blob]) => blob),
      );
      const targets = new Map(links.map(([path], index) => [path, texts[index] ?? ""]));
      const inside = selectFiles(tree, place.folder, targets);
      requireFolder(inside, place, ref);
      const question = { repository, tree: tree.files, files: inside, folder: place.folder };
      const isAlone = place.folder === "" || (await standsAlone(program, question));
      const files = isAlone ? inside : selectFiles(tree, "", targets);
      const root = isAlone ? place.folder : "";
      const sha256 = await this.#sources.keep(packGitFiles(program, repository, { files, folder: root }));
      return { sha256, folder: isAlone ? "" : place.folder, commit, ref };
    });
  }

  /** Removes cached repositories that are not needed; see {@link GitCache.collect}. */
  async collect(): Promise<void> {
    await this.#fetch.cache.collect();
  }

  async removeLeftovers(): Promise<void> {
    await this.#fetch.cache.removeLeftovers();
  }

  /** Ends what is being fetched. */
  async stop(): Promise<void> {
    await this.#fetch.program.stop();
  }

  /** The first of the places at which there is a repository. */
  async #find({ namespace, source, credential }: GitAsked): Promise<{
    readonly place: GitPlace;
    readonly request: GitRequest;
    readonly found: FoundRef;
  }> {
    const { protocol, host, ref, places, text } = source;
    const remote = { protocol, host, ...(credential === undefined ? {} : { credential }) };
    let failure: MicroError | undefined;
    for (const place of places) {
      const request = { namespace, url: place.url, remote, ref };
      const found = await askRef(this.#fetch, request);
      if (found.kind !== "nowhere") return { place, request, found };
      failure ??= found.error;
    }
    if (failure === undefined || places.length === 1)
      throw failure ?? new MicroError("not_found", `no place in ${text}`);
    const detail = `no part of ${text} is a repository: ${failure.detail}`;
    throw new MicroError(failure.code, detail, { cause: failure });
  }

  async #list(repository: string, commit: string): Promise<string> {
    const args = ["ls-tree", "-r", "-z", "-l", "--full-tree", commit];
    const { code, stdout, stderr } = await this.#fetch.program.run({ args, folder: repository });
    if (code === 0) return stdout;
    throw new MicroError("unavailable", `the cache of git sources cannot be read: ${stderr.trim()}`);
  }
}

function requireFolder(files: readonly unknown[], { url, folder }: GitPlace, ref: string): void {
  if (files.length > 0) return;
  const detail = folder === "" ? `${url} holds no files at ${ref}` : `${url} has no folder ${folder} at ${ref}`;
  throw new MicroError("not_found", detail);
}
