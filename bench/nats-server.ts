import { readdir, readFile } from "node:fs/promises";
import { baseEnvironment } from "#testing/run-command.ts";
import { createTempFolder } from "#testing/temp-folder.ts";
import { waitUntil } from "#testing/wait-until.ts";

/** A NATS server of this machine, with JetStream; gone, with what it wrote, at the end of the `await using` scope. */
export interface NatsServer extends AsyncDisposable {
  /** `127.0.0.1:port`, for `connect({ servers })`. */
  readonly address: string;
  readonly pid: number;
}

/**
 * Starts `nats-server` on a free port with its files in a folder of its own, as it comes: it answers before its files are
 * on disk.
 *
 * @throws Error that says how to install it where it is missing.
 */
export async function startNatsServer(): Promise<NatsServer> {
  // Debian puts it where not every user looks.
  const program = Bun.which("nats-server", { PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/usr/local/sbin` });
  if (program === null) {
    throw new Error(
      "nats-server is missing, which this bench compares with: install it with `apt-get install nats-server`",
    );
  }
  const folder = await createTempFolder();
  const port = ["-a", "127.0.0.1", "-p", "-1", "--ports_file_dir", folder.path];
  const child = Bun.spawn([program, ...port, "-js", "-sd", `${folder.path}/data`], {
    env: baseEnvironment(),
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  const stop = async (): Promise<void> => {
    if (child.exitCode === null) child.kill("SIGKILL");
    await child.exited;
    await folder[Symbol.asyncDispose]();
  };
  try {
    const address = await waitUntil("nats-server listens", async () => {
      if (child.exitCode !== null) throw new Error(`nats-server ended: ${await child.stderr.text()}`);
      return readAddress(folder.path);
    });
    return { address, pid: child.pid, [Symbol.asyncDispose]: stop };
  } catch (reason) {
    await stop();
    throw reason;
  }
}

/** The address in the file that the server writes once it listens. */
async function readAddress(folder: string): Promise<string | undefined> {
  const name = (await readdir(folder)).find((each) => each.endsWith(".ports"));
  if (name === undefined) return undefined;
  try {
    const ports = JSON.parse(await readFile(`${folder}/${name}`, "utf8")) as { readonly nats: readonly string[] };
    return ports.nats[0]?.replace("nats://", "");
  } catch {
    // Half written.
    return undefined;
  }
}
