import { cp, mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { baseEnvironment } from "#testing/run-command.ts";
import { createTempFolder } from "#testing/temp-folder.ts";

export const root = join(import.meta.dir, "../..");

/** A service in a process of its own, in a copy of its folder, as the runtime would place it. */
export interface ServiceProcess extends AsyncDisposable {
  readonly folder: string;
  readonly pid: number;
  /** What it printed so far. */
  output(): string;
  kill(signal: NodeJS.Signals): void;
  /** Resolves with the exit code. */
  readonly exited: Promise<number>;
}

/**
 * @param command `bun` or `node`, and what follows
 * @param sdkFolder the package that the service imports as `micro-ts`
 */
export async function startServiceProcess(
  source: string,
  command: readonly string[],
  {
    variables = {},
    sdkFolder = root,
  }: { readonly variables?: Readonly<Record<string, string>>; readonly sdkFolder?: string } = {},
): Promise<ServiceProcess> {
  const temp = await createTempFolder();
  const folder = join(temp.path, "service");
  await cp(join(root, source), folder, { recursive: true });
  await mkdir(join(temp.path, "node_modules/@bufbuild"), { recursive: true });
  await symlink(sdkFolder, join(temp.path, "node_modules/micro-ts"), "dir");
  await symlink(
    join(root, "node_modules/@bufbuild/protobuf"),
    join(temp.path, "node_modules/@bufbuild/protobuf"),
    "dir",
  );
  const child = Bun.spawn([...command], {
    cwd: folder,
    env: { ...baseEnvironment(), MICRO_HOME: join(temp.path, "home"), ...variables },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  let text = "";
  const collect = async (stream: ReadableStream<Uint8Array>): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const chunk of stream) text += decoder.decode(chunk, { stream: true });
  };
  const collected = Promise.all([collect(child.stdout), collect(child.stderr)]);
  const exited = child.exited.then(async (code) => {
    await collected;
    return code;
  });
  return {
    folder,
    pid: child.pid,
    output: () => text,
    kill: (signal) => child.kill(signal),
    exited,
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode === null) child.kill("SIGKILL");
      await exited;
      await temp[Symbol.asyncDispose]();
    },
  };
}
