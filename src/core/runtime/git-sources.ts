import type { Clock } from "#base/clock.ts";
import { MicroError } from "#base/error.ts";
import type { GitPlace, GitSource } from "#base/git-source.ts";
import type { Stoppable } from "#base/lifecycle.ts";
import { GitCache, type GitCacheLimits } from "./git-cache.ts";
import { extractCommit, type ExtractedSource } from "./git-extract.ts";
import { askRef, fetchCommit, type GitFetchDeps, type GitRequest } from "./git-fetch.ts";
import { GitProgram, type GitProgramOptions } from "./git-program.ts";
import type { GitCredential } from "./git-remote.ts";
import type { FoundRef } from "./git-refs.ts";
import type { SourceStore } from "./source-store.ts";

export interface GitSourcesDeps {
  readonly sources: SourceStore;
  readonly clock: Clock;
  /** Where `git/` lies. */
  readonly runtimeFolder: string;
}

export type GitSourcesOptions = GitProgramOptions & GitCacheLimits;

/** What a source of git means now. */
export interface GitContent extends ExtractedSource {
  /** All its digits. */
  readonly commit: string;
  /** Branch or tag that was asked for or is the default; else the commit. */
  readonly ref: string;
}

/** Far more than services of one server. */
const knownCountMax = 1_000;

export interface GitAsked {
  readonly namespace: string;
  readonly source: GitSource;
  readonly credential?: GitCredential;
}

/** Sources that lie in git repositories: fetched with git into a cache, and kept like uploads. */
export class GitSources implements Stoppable {
  readonly #sources: SourceStore;
  readonly #fetch: GitFetchDeps;
  /** What commits were taken for, by commit and folder: it stays true as long as the source is kept. */
  readonly #known = new Map<string, ExtractedSource>();

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
    return this.#fetch.cache.fill(request.namespace, request.url, async (repository) => {
      const { commit, ref } = await fetchCommit(this.#fetch, request, { found, folder: repository });
      const { folder } = place;
      const known = this.#recall(commit, folder);
      if (known !== undefined) return { ...known, commit, ref };
      const deps = { program: this.#fetch.program, sources: this.#sources };
      const content = await extractCommit(deps, { repository, commit, folder, name: `${place.url} at ${ref}` });
      this.#remember(`${commit}:${folder}`, content);
      return { ...content, commit, ref };
    });
  }

  #recall(commit: string, folder: string): ExtractedSource | undefined {
    const known = this.#known.get(`${commit}:${folder}`);
    return known !== undefined && this.#sources.has(known.sha256) ? known : undefined;
  }

  #remember(key: string, content: ExtractedSource): void {
    this.#known.set(key, content);
    const [oldest] = this.#known.keys();
    if (this.#known.size > knownCountMax && oldest !== undefined) this.#known.delete(oldest);
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
}
