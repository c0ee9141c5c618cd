import { join } from "node:path";
import { createTempFolder, type TempFolder } from "#testing/temp-folder.ts";

/** A Go program of this folder, built. */
export interface GoProgram {
  readonly path: string;
  /** Where it lies, alone. */
  readonly folder: TempFolder;
}

/** Why there is no program: what this machine lacks, for whoever reads which tests were skipped. */
export type GoLack = "go is not installed" | "the Go modules cannot be fetched";

/**
 * Builds a package of the Go module in `folder`, which lies beside this file, with the modules that its go.sum names; a
 * machine without Go or without a way to its modules lacks something, but sources that do not compile are a failure.
 *
 * @param target Package to build. @default the module's own
 */
export async function buildGoProgram(folder: string, target = "."): Promise<GoProgram | GoLack> {
  if (Bun.which("go") === null) return "go is not installed";
  const source = join(import.meta.dir, folder);
  if ((await runGo(source, ["mod", "download"])).code !== 0) return "the Go modules cannot be fetched";
  const temp = await createTempFolder();
  const path = `${temp.path}/program`;
  const built = await runGo(source, ["build", "-mod=readonly", "-o", path, target]);
  if (built.code === 0) return { path, folder: temp };
  await temp[Symbol.asyncDispose]();
  throw new Error(`the Go program does not build:\n${built.output}`);
}

async function runGo(cwd: string, args: readonly string[]): Promise<{ code: number; output: string }> {
  // Behind the tests that run meanwhile, where the machine can say so: a first build takes all of it.
  const politely = Bun.which("nice") === null ? [] : ["nice", "-n", "10"];
  const child = Bun.spawn([...politely, "go", ...args], {
    cwd,
    // Without C: nothing that is tested needs it, and a C compiler takes longer for SQLite than Go for all the rest.
    env: { ...process.env, CGO_ENABLED: "0" },
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  const output = await child.stderr.text();
  return { code: await child.exited, output };
}
