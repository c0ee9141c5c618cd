import { readFile } from "node:fs/promises";
import { parseServerFile, resolveHome, type ServerFile } from "#base/home.ts";
import { baseEnvironment, runCommand, type CommandOptions, type CommandResult } from "./run-command.ts";
import { createTempFolder } from "./temp-folder.ts";

/** The command line of this checkout, as a command of its own process. */
export const microCommand: readonly string[] = [process.execPath, new URL("../cli/main.ts", import.meta.url).pathname];

/** A real `micro server` in a process of its own, with a home of its own. */
export interface TestServer extends AsyncDisposable {
  readonly home: string;
  /** Addresses of the running server. */
  readonly addresses: ServerFile;
  /** What it printed so far. */
  output(): string;
  /** Environment in which the command line finds this server and no other. */
  readonly env: Readonly<Record<string, string>>;
  /** Runs `micro …args` against it. */
  micro(args: readonly string[], options?: CommandOptions): Promise<CommandResult>;
  /** An access token of the local administrator. */
  token(): Promise<string>;
  /** Ends it: `SIGTERM` waits for a clean stop, `SIGKILL` is the power cut. */
  kill(signal: "SIGTERM" | "SIGKILL"): Promise<number>;
  /** Starts it again on the same home. */
  start(): Promise<void>;
}

export interface TestServerOptions {
  /** Further arguments of `micro server`. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Program and first arguments. @default the command line of this checkout */
  readonly command?: readonly string[];
}

/** Environment variable of a test run: every server that `startServer()` starts has so many workers. */
export const testWorkersVariable = "MICRO_TEST_WORKERS";

/** Starts a server on free ports and waits until it says `ready`. */
export async function startServer(options: TestServerOptions = {}): Promise<TestServer> {
  const folder = await createTempFolder();
  const workers = process.env[testWorkersVariable];
  const env = {
    ...baseEnvironment(),
    HOME: folder.path,
    MICRO_HOME: `${folder.path}/m`,
    ...(workers === undefined ? {} : { MICRO_WORKERS: workers }),
    ...options.env,
  };
  const paths = resolveHome(env);
  const command = [...(options.command ?? microCommand), "server", ...anyPorts, ...(options.args ?? [])];
  let running = await launch(command, env);
  const readAddresses = async (): Promise<ServerFile> => {
    const file = parseServerFile(await readFile(paths.serverFile, "utf8"));
    if (file === undefined) throw new Error("the server wrote no readable server.json");
    return file;
  };
  let addresses = await readAddresses();
  const micro = (args: readonly string[], command: CommandOptions = {}): Promise<CommandResult> =>
    runCommand([...microCommand, ...args], { ...command, env: { ...env, ...command.env } });
  return {
    home: paths.home,
    env,
    micro,
    get addresses() {
      return addresses;
    },
    output: () => running.output(),
    token: async () => (await micro(["user", "token"])).stdout.trim(),
    kill: (signal) => running.kill(signal),
    start: async () => {
      running = await launch(command, env);
      addresses = await readAddresses();
    },
    [Symbol.asyncDispose]: async () => {
      await running.kill("SIGTERM");
      await folder[Symbol.asyncDispose]();
    },
  };
}

interface RunningServer {
  output(): string;
  kill(signal: "SIGTERM" | "SIGKILL"): Promise<number>;
}

const anyPorts: readonly string[] = ["gateway", "proxy", "network", "registry", "broker"].map(
  (name) => `--${name}-address=0`,
);

async function launch(command: readonly string[], env: Readonly<Record<string, string>>): Promise<RunningServer> {
  const child = Bun.spawn([...command], {
    env: { ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  let text = "";
  const ready = Promise.withResolvers<void>();
  const collect = async (stream: ReadableStream<Uint8Array>): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      text += decoder.decode(chunk, { stream: true });
      if (/^ready$/m.test(text)) ready.resolve();
    }
  };
  const collected = Promise.all([collect(child.stdout), collect(child.stderr)]);
  const exited = child.exited.then(async (code) => {
    await collected;
    ready.reject(new Error(`micro server ended with ${code} before it was ready:\n${text}`));
    return code;
  });
  await ready.promise;
  return {
    output: () => text,
    kill: (signal) => {
      if (child.exitCode === null) child.kill(signal);
      return exited;
    },
  };
}
