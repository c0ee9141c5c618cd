import { MicroError } from "#base/error.ts";
import { isGitRef } from "#base/git-ref.ts";
import { parseGitSource, type GitSource } from "#base/git-source.ts";
import { defaultNamespace } from "#interface/auth.ts";
import type { CreateServiceOptions, ServiceKey } from "#interface/runtime.ts";
import { takesCredential, toGitCredential } from "./git-credential.ts";
import type { GitCredentials } from "./git-credentials.ts";
import type { GitCredential } from "./git-remote.ts";
import type { GitSources } from "./git-sources.ts";
import type { ServiceRecord } from "./service-record.ts";
import { cleanSourcePath } from "./source-path.ts";
import { parseSourceId } from "./source-record.ts";
import type { SourceStore } from "./source-store.ts";

/** The content that a source means. */
export type SourceContent = Pick<ServiceRecord, "source" | "sha256" | "folder" | "git">;

export interface FindSourceDeps {
  readonly sources: SourceStore;
  readonly git: GitSources;
  readonly credentials: GitCredentials;
}

export interface SourceQuestion {
  readonly key: ServiceKey;
  readonly source: string;
  /** Namespace of who asks. */
  readonly asker: string;
  /** For a private repository; absent: what was kept for the service. */
  readonly gitCredential?: string;
}

/**
 * What a source means now: an upload by its id, or a place in a git repository.
 *
 * @throws MicroError `invalid_argument`, `not_found` and others that say what of the source is wrong.
 */
export async function findSource(deps: FindSourceDeps, question: SourceQuestion): Promise<SourceContent> {
  const { key, source } = question;
  if (source === "") throw new MicroError("invalid_argument", "the source is missing; name a folder: micro run FOLDER");
  const id = parseSourceId(source);
  if (id !== undefined) return findUpload(deps.sources, question, id);
  const found = readGitSource(source, key.version);
  if (found === undefined) {
    const detail = `source ${JSON.stringify(source)} is neither an upload nor host/owner/repo nor a URL of git`;
    throw new MicroError("invalid_argument", detail);
  }
  requireReach(found, question.asker);
  const credential = await findCredential(deps, question, found);
  const asked = { namespace: key.namespace, source: found, ...(credential === undefined ? {} : { credential }) };
  const { sha256, folder, commit, ref } = await deps.git.resolve(asked);
  return { source, sha256, folder, git: { place: found.text, commit, ref } };
}

/** Keeps a credential that was given for later updates of the service, once its source is known to be good. */
export async function keepCredential(
  { credentials }: FindSourceDeps,
  { key, source, gitCredential }: SourceQuestion,
): Promise<void> {
  const found = gitCredential === undefined ? undefined : parseGitSource(source);
  if (gitCredential === undefined || found === undefined || !takesCredential(found)) return;
  await credentials.keep(key, found.host, gitCredential);
}

async function findCredential(
  { credentials }: FindSourceDeps,
  { key, gitCredential }: SourceQuestion,
  found: GitSource,
): Promise<GitCredential | undefined> {
  if (!takesCredential(found)) return undefined;
  const text = gitCredential ?? (await credentials.find(key, found.host));
  return text === undefined ? undefined : toGitCredential(text, found);
}

async function findUpload(
  sources: SourceStore,
  { key, source, asker }: SourceQuestion,
  id: { readonly name: string; readonly version: string },
): Promise<SourceContent> {
  for (const namespace of new Set([key.namespace, asker])) {
    const found = await sources.resolve({ namespace, ...id });
    if (found === undefined || !sources.has(found.sha256)) continue;
    const { sha256, folder } = found;
    return { source, sha256, ...(folder === undefined ? {} : { folder }) };
  }
  throw new MicroError("invalid_argument", `source ${source} was not uploaded to namespace ${key.namespace}`);
}

/** Clients of Micro send the ref as the version of the service; `latest` is the default branch. */
function readGitSource(text: string, version: string): GitSource | undefined {
  const source = parseGitSource(text);
  if (source === undefined || source.ref !== undefined || version === "latest") return source;
  if (isGitRef(version)) return { ...source, ref: version };
  throw new MicroError(
    "invalid_argument",
    `version ${version} is no ref of git; name one behind the source: ${text}@REF`,
  );
}

/** What the server itself may read, its disk and what its ssh key opens, is for who administers the installation. */
function requireReach({ protocol }: GitSource, asker: string): void {
  if ((protocol !== "file" && protocol !== "ssh") || asker === defaultNamespace) return;
  const detail = `sources of ${protocol} are for administrators of namespace ${defaultNamespace}; use https`;
  throw new MicroError("permission_denied", detail);
}

/** Options of a record as they were given: its entry point begins at the folder of its source. */
export function givenOptions({ options, folder = "" }: ServiceRecord): CreateServiceOptions {
  const { entrypoint = "", ...others } = options;
  if (folder === "" || entrypoint === "") return options;
  return { ...others, entrypoint: entrypoint === folder ? "" : entrypoint.slice(folder.length + 1) };
}

/** The same the other way: where in the content to look for what was given. */
export function placedOptions(options: CreateServiceOptions, folder = ""): CreateServiceOptions {
  const entrypoint = cleanSourcePath(options.entrypoint ?? "");
  const parts = [folder, entrypoint].filter((each) => each !== "");
  return parts.length === 0 ? options : { ...options, entrypoint: parts.join("/") };
}
