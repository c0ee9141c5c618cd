import { join } from "node:path";
import { createTempFolder } from "#testing/temp-folder.ts";

/** Addresses of the echo service: both protocols on `rpc` and `rpcUnix`, HTTP/1.1 alone on the others. */
export interface EchoServer extends AsyncDisposable {
  readonly rpc: string;
  readonly rpcUnix: string;
  readonly http: string;
  readonly httpUnix: string;
  /** Ends its input; resolves with its exit code, and what it printed since. */
  stop(): Promise<{ code: number; output: string }>;
}

export type Runtime = "bun" | "node";

/** Starts the echo service in a process of the given runtime. */
export async function startEcho(runtime: Runtime): Promise<EchoServer> {
  const folder = await createTempFolder();
  const source = join(import.meta.dir, "echo-server.ts");
  const program = runtime === "bun" ? source : await bundle(source, folder.path);
  const command = runtime === "bun" ? process.execPath : "node";
  const child = Bun.spawn([command, program, folder.path], { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
  const output = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const addresses = JSON.parse((await output.read()).value ?? "{}") as Pick<
    EchoServer,
    "rpc" | "rpcUnix" | "http" | "httpUnix"
  >;
  const stop = async (): Promise<{ code: number; output: string }> => {
    await child.stdin.end();
    let text = "";
    for (let next = await output.read(); !next.done; next = await output.read()) text += next.value;
    return { code: await child.exited, output: text };
  };
  return {
    ...addresses,
    stop,
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await child.exited;
      await folder[Symbol.asyncDispose]();
    },
  };
}

async function bundle(source: string, folder: string): Promise<string> {
  const built = await Bun.build({ entrypoints: [source], outdir: folder, target: "node", naming: "[name].mjs" });
  if (!built.success) throw new AggregateError(built.logs, "the bundle for node could not be built");
  return join(folder, "echo-server.mjs");
}
