import { readdir, readFile } from "node:fs/promises";
import { systemClock, type Clock } from "#base/clock.ts";
import { MicroError } from "#base/error.ts";
import { parseGitSource } from "#base/git-source.ts";
import type { GitCredential } from "#core/runtime/git-remote.ts";
import { GitSources, type GitContent, type GitSourcesOptions } from "#core/runtime/git-sources.ts";
import { SourceStore } from "#core/runtime/source-store.ts";
import { MemoryStore } from "#core/store/memory-store.ts";

/** Sources of git as the runtime uses them, on a folder. */
export interface GitWorld extends AsyncDisposable {
  readonly git: GitSources;
  readonly runtimeFolder: string;
  resolve(text: string, credential?: GitCredential, namespace?: string): Promise<GitContent>;
  /** Why that cannot be resolved. */
  refusal(text: string, credential?: GitCredential): Promise<MicroError>;
  /** Content of the files of a source by path. */
  files(content: GitContent): Promise<Record<string, string>>;
}

export function createGitWorld(
  folder: string,
  { clock = systemClock, ...options }: Partial<GitSourcesOptions> & { readonly clock?: Clock } = {},
): GitWorld {
  const runtimeFolder = `${folder}/runtime`;
  const sources = new SourceStore({ store: new MemoryStore(), clock, runtimeFolder });
  const git = new GitSources({ sources, clock, runtimeFolder }, { serverEnv: process.env, ...options });
  const resolve = async (text: string, credential?: GitCredential, namespace = "micro"): Promise<GitContent> => {
    const source = parseGitSource(text);
    if (source === undefined) throw new Error(`${text} is no source of git`);
    return git.resolve({ namespace, source, ...(credential === undefined ? {} : { credential }) });
  };
  return {
    git,
    runtimeFolder,
    resolve,
    refusal: async (text, credential) => {
      try {
        await resolve(text, credential);
      } catch (reason) {
        return MicroError.from(reason);
      }
      throw new Error(`${text} was resolved`);
    },
    files: async ({ sha256 }) => {
      const root = sources.folder(sha256);
      const entries = await readdir(root, { recursive: true, withFileTypes: true });
      const paths = entries.filter((each) => each.isFile()).map((each) => `${each.parentPath}/${each.name}`);
      const pairs = paths.map(async (path) => [path.slice(root.length + 1), await readFile(path, "utf8")] as const);
      return Object.fromEntries(await Promise.all(pairs));
    },
    [Symbol.asyncDispose]: () => git.stop(),
  };
}
