import { createServer } from "node:net";
import { waitUntil } from "#testing/wait-until.ts";

/** A running `git daemon`. */
export interface GitDaemon extends AsyncDisposable {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
}

/** Serves every repository below `folder` over git's own protocol. */
export async function startGitDaemon(folder: string): Promise<GitDaemon> {
  const port = await freePort();
  const options = ["--export-all", "--verbose", "--listen=127.0.0.1", `--port=${port}`, `--base-path=${folder}`];
  const child = Bun.spawn(["git", "daemon", ...options, folder], { stdin: "ignore", stdout: "ignore", stderr: "pipe" });
  let text = "";
  const read = (async () => {
    for await (const chunk of child.stderr) text += Buffer.from(chunk).toString();
  })();
  await waitUntil("git daemon listens", () => {
    if (child.exitCode !== null) throw new Error(`git daemon ended: ${text}`);
    return /Ready to rumble/.test(text);
  });
  return {
    host: `127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      child.kill();
      await child.exited;
      await read;
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return address !== null && typeof address === "object" ? address.port : 0;
}
