import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { nameOfGitSource, parseGitSource } from "#base/git-source.ts";
import { MicroError } from "#base/error.ts";
import { CommandError } from "#cli/command-error.ts";
import { findGitCredential } from "./git-credential-setting.ts";
import type { Session } from "#cli/connection/session.ts";

/** What the user wants to run. */
export type ChosenSource =
  | { readonly kind: "folder"; readonly folder: string }
  /** In a repository, as the server reads it. */
  | { readonly kind: "git"; readonly text: string; readonly name: string; readonly credential?: string };

/** Where repositories with bare names are; for one environment before all. */
export type SourceSettings = Pick<Session, "config" | "environment">;

/**
 * What a source on the command line means: a folder that is there, `host/owner/repo…` or a URL of git, else a bare name behind
 * the base URL of the settings.
 *
 * @throws CommandError for a repository that is written wrong, and for a bare name that is no folder and has no base URL.
 */
export function chooseSource(text: string, { config, environment }: SourceSettings): ChosenSource {
  if (isPath(text) || existsSync(text)) return { kind: "folder", folder: resolve(text) };
  const git = readGit(text, config);
  if (git !== undefined) return git;
  if (!/^[A-Za-z0-9][\w.-]*(?:[/@]|$)/.test(text)) return { kind: "folder", folder: resolve(text) };
  const base = config.get(`git.${environment.name}.baseurl`) ?? config.get("git.baseurl");
  if (base === undefined) {
    throw new CommandError(
      `${resolve(text)} does not exist; a repository is host/owner/repo, or a name behind "micro user config set git.baseurl"`,
    );
  }
  const behind = readGit(`${base.replace(/\/+$/, "")}/${text}`, config);
  if (behind !== undefined) return behind;
  throw new CommandError(
    `The setting git.baseurl is ${base}, which is no repository: write host/owner or a URL of git`,
  );
}

/** In the way that paths are written, whatever is there. */
function isPath(text: string): boolean {
  return text === "" || /^\.{0,2}(?:\/|$)/.test(text);
}

/** With the credential that the settings have for its host; a key of ssh is the server's affair. */
function readGit(text: string, config: SourceSettings["config"]): ChosenSource | undefined {
  try {
    const source = parseGitSource(text);
    if (source === undefined) return undefined;
    const isHttp = source.protocol === "https" || source.protocol === "http";
    const credential = isHttp ? findGitCredential(config, source.host) : undefined;
    return { kind: "git", text, name: nameOfGitSource(source), ...(credential === undefined ? {} : { credential }) };
  } catch (reason) {
    const { code, detail } = MicroError.from(reason);
    throw new CommandError(detail, { code, cause: reason });
  }
}
