// Makes sure that what package-lock.json names is installed, and that Bun's own binary is in place. Runs on plain Node,
// because on a fresh clone nothing else is there.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
export const bunPath = join(root, "node_modules", "bun", "bin", "bun.exe");
const stampPath = join(root, "node_modules", ".micro-installed");
const lockPath = join(root, ".micro-installing");
/** An install that takes longer than this has died. */
const installMs = 10 * 60_000;

/** Installs what is missing; quick when nothing is. Exits with one line when it cannot. */
export function ensureInstalled() {
  const wanted = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
  const isInstalled = () => existsSync(stampPath) && readFileSync(stampPath, "utf8") === wanted && runsBun();
  if (isInstalled()) return;
  lock();
  try {
    if (!isInstalled()) install(wanted);
  } finally {
    rmSync(lockPath, { recursive: true, force: true });
  }
}

function install(wanted) {
  process.stderr.write("micro: installing dependencies (once) …\n");
  run(npmCommand(), [...npmArguments(), "ci", "--no-audit", "--no-fund", "--loglevel=error"]);
  // npm may have been told to skip install scripts; Bun's own step puts its binary where it belongs.
  if (!runsBun()) run(process.execPath, [join(root, "node_modules", "bun", "install.js")]);
  if (!runsBun()) fail("bun was installed but does not run on this machine");
  writeFileSync(stampPath, wanted);
}

// Two commands at once in a fresh clone: npm would take the folder away under the other's feet.
function lock() {
  for (;;) {
    try {
      mkdirSync(lockPath);
      return;
    } catch (reason) {
      if (reason.code !== "EEXIST") fail(`${root} cannot be written to: ${reason.message}`);
    }
    const since = statSync(lockPath, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    if (Date.now() - since > installMs) rmSync(lockPath, { recursive: true, force: true });
    else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  }
}

function runsBun() {
  return existsSync(bunPath) && spawnSync(bunPath, ["--version"]).status === 0;
}

// Inside `npm test` the npm that runs us is named in the environment; it is the one to use.
function npmCommand() {
  return process.env.npm_execpath === undefined ? "npm" : process.execPath;
}

function npmArguments() {
  return process.env.npm_execpath === undefined ? [] : [process.env.npm_execpath];
}

function run(command, args) {
  const result = spawnSync(command, args, {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
    env: installEnvironment(),
  });
  if (result.error !== undefined) fail(`${command} could not be started: ${result.error.message}`);
  if (result.status !== 0) fail(`"${command} ${args.join(" ")}" failed with exit code ${result.status}`);
}

// Development dependencies are needed to test, whatever NODE_ENV says.
function installEnvironment() {
  const { NODE_ENV: _dropped, ...rest } = process.env;
  return rest;
}

function fail(reason) {
  rmSync(lockPath, { recursive: true, force: true });
  process.stderr.write(`micro: ${reason}\n`);
  process.exit(1);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) ensureInstalled();
