import { join } from "node:path";
import { createTempFolder, type TempFolder } from "#testing/temp-folder.ts";

/** The Go program of this folder, built. */
export interface GoProgram {
  readonly path: string;
  readonly folder: TempFolder;
}

/** Why there is no program: what this machine lacks, for whoever reads which tests were skipped. */
export type GoLack = "go is not installed" | "the Go modules cannot be fetched";

const source = join(import.meta.dir, "go");

/**
 * Builds the Go program with the modules that its go.sum names; a machine without Go or without a way to its modules
 * lacks something, but sources that do not compile are a failure.
 */
export async function buildGoProgram(): Promise<GoProgram | GoLack> {
  if (Bun.which("go") === null) return "go is not installed";
  if ((await runGo(["mod", "download"])).code !== 0) return "the Go modules cannot be fetched";
  const folder = await createTempFolder();
  const path = `${folder.path}/interop`;
  const built = await runGo(["build", "-mod=readonly", "-o", path, "."]);
  if (built.code === 0) return { path, folder };
  await folder[Symbol.asyncDispose]();
  throw new Error(`the Go program does not build:\n${built.output}`);
}

async function runGo(args: readonly string[]): Promise<{ code: number; output: string }> {
  const child = Bun.spawn(["go", ...args], { cwd: source, stdin: "ignore", stdout: "ignore", stderr: "pipe" });
  const output = await child.stderr.text();
  return { code: await child.exited, output };
}
