/**
 * `bun scripts/generate.ts`: checks the wire contract in proto/ and writes src/gen from it. With `--check` nothing is
 * written: it fails, and names the files, where src/gen is not what the contract gives.
 */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./root.ts";

const generatedDir = join(root, "src/gen");

try {
  await buf(["lint"]);
  if (process.argv.includes("--check")) await check();
  else await generate(root);
} catch (reason) {
  console.error(reason instanceof Error ? reason.message : reason);
  process.exitCode = 1;
}

async function generate(baseDir: string): Promise<void> {
  await buf(["generate", "--clean", "--output", baseDir]);
}

async function check(): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), "micro-generate-"));
  try {
    await generate(dir);
    const differences = await compare(join(dir, "src/gen"), generatedDir);
    if (differences.length === 0) return;
    throw new Error(`src/gen is not what proto/ gives; run: npm run generate\n${differences.join("\n")}`);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** One line for each file that is not the same in both folders. */
async function compare(wantedDir: string, foundDir: string): Promise<readonly string[]> {
  const [wanted, found] = await Promise.all([readTree(wantedDir), readTree(foundDir)]);
  const names = [...new Set([...wanted.keys(), ...found.keys()])].sort();
  return names.flatMap((name) => {
    if (!found.has(name)) return [`  missing   src/gen/${name}`];
    if (!wanted.has(name)) return [`  left over src/gen/${name}`];
    return wanted.get(name) === found.get(name) ? [] : [`  differs   src/gen/${name}`];
  });
}

async function readTree(dir: string): Promise<ReadonlyMap<string, string>> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const texts = await Promise.all(
    files.map(async (file) => [file.slice(dir.length + 1), await readFile(file, "utf8")]),
  );
  return new Map(texts as [string, string][]);
}

/** Runs buf with the plug-in of this checkout; throws buf's words when it refuses. */
async function buf(args: readonly string[]): Promise<void> {
  const bin = join(root, "node_modules/.bin");
  const child = Bun.spawn([join(bin, "buf"), ...args], {
    cwd: root,
    env: { ...process.env, PATH: `${bin}:${process.env["PATH"] ?? ""}` },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  if (code !== 0) throw new Error(`buf ${args[0] ?? ""} failed:\n${out}${err}`);
}
