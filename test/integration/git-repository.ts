import { mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { baseEnvironment, runCommand } from "#testing/run-command.ts";

/** A repository of a test, with a branch `main`. */
export interface TestRepository {
  /** Where it lies. */
  readonly path: string;
  /** Runs git in it, and returns what that prints. @throws Error when it fails. */
  git(...args: string[]): Promise<string>;
  /** Writes files (undefined removes, `{ link }` makes a link) and commits everything. Returns the commit. */
  commit(files: Readonly<Record<string, string | undefined | { readonly link: string }>>): Promise<string>;
}

/** Makes an empty repository at `path`. */
export async function createRepository(path: string): Promise<TestRepository> {
  await mkdir(path, { recursive: true });
  const env = {
    ...baseEnvironment(),
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_AUTHOR_NAME: "Jane",
    GIT_AUTHOR_EMAIL: "jane@example.com",
    GIT_COMMITTER_NAME: "Jane",
    GIT_COMMITTER_EMAIL: "jane@example.com",
  };
  const git = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await runCommand(["git", ...args], { cwd: path, env });
    if (code !== 0) throw new Error(`git ${args.join(" ")} failed: ${stderr}`);
    return stdout.trim();
  };
  await git("init", "--quiet", "--initial-branch=main");
  return {
    path,
    git,
    commit: async (files) => {
      for (const [name, content] of Object.entries(files)) {
        await mkdir(dirname(`${path}/${name}`), { recursive: true });
        await rm(`${path}/${name}`, { recursive: true, force: true });
        if (typeof content === "string") await writeFile(`${path}/${name}`, content);
        else if (content !== undefined) await symlink(content.link, `${path}/${name}`);
      }
      await git("add", "--all", "--force");
      await git("commit", "--quiet", "--allow-empty", "--message", "a change");
      return git("rev-parse", "HEAD");
    },
  };
}
