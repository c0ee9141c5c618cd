import { baseEnvironment } from "#testing/run-command.ts";
import { createTempFolder } from "#testing/temp-folder.ts";
import { waitUntil } from "#testing/wait-until.ts";

/** A Redis server of this machine; gone, with what it wrote, at the end of the `await using` scope. */
export interface RedisServer extends AsyncDisposable {
  /** `redis+unix://…`, for Bun's client. */
  readonly url: string;
}

/**
 * Starts `redis-server` with an append-only file that is on disk before it answers (`appendfsync always`), as ours are.
 * It listens on a unix socket, which spares it the work of TCP; undefined, and a line that says so, where it is missing.
 */
export async function startRedisServer(): Promise<RedisServer | undefined> {
  const program = Bun.which("redis-server");
  if (program === null) {
    process.stderr.write("bench: redis-server is missing, rows beside it are left out: apt-get install redis-server\n");
    return undefined;
  }
  const folder = await createTempFolder();
  const socket = `${folder.path}/redis.sock`;
  const settings = {
    port: "0",
    unixsocket: socket,
    dir: folder.path,
    save: "",
    appendonly: "yes",
    appendfsync: "always",
  };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  const child = Bun.spawn([program, ...args], {
    env: baseEnvironment(),
    stdin: "ignore",
    stdout: "ignore",
    stderr: "ignore",
  });
  const stop = async (): Promise<void> => {
    if (child.exitCode === null) child.kill("SIGKILL");
    await child.exited;
    await folder[Symbol.asyncDispose]();
  };
  try {
    await waitUntil("redis-server listens", async () => {
      if (child.exitCode !== null) throw new Error(`redis-server ended with ${child.exitCode}`);
      return Bun.file(socket)
        .stat()
        .then(
          () => true,
          () => undefined,
        );
    });
    return { url: `redis+unix://${socket}`, [Symbol.asyncDispose]: stop };
  } catch (reason) {
    await stop();
    throw reason;
  }
}
