import { beforeAll, describe, expect, it } from "bun:test";
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import type { ServiceKey } from "#interface/runtime.ts";
import { readProcessMark } from "#core/runtime/process-mark.ts";
import { baseEnvironment } from "#testing/run-command.ts";
import { createTempFolder } from "#testing/temp-folder.ts";
import { waitUntil } from "#testing/wait-until.ts";
import { goService, pythonService, scriptWithPackage, vendoredPackage } from "./build-programs.ts";
import { serviceProgram, startRuntimeWorld, type RuntimeWorld } from "./runtime-world.ts";

/** Compiling the standard library anew for each test would take a minute. */
beforeAll(async () => {
  if (Bun.which("go") === null) return;
  await using temp = await createTempFolder();
  for (const [name, text] of Object.entries(goService("warm"))) await Bun.write(`${temp.path}/${name}`, text);
  run(temp.path, "go", "build", "-trimpath", "-o", `${temp.path}/out`, ".");
}, 300_000);

const key: ServiceKey = { namespace: "micro", name: "greeter", version: "latest" };

async function deploy(world: RuntimeWorld, files: Record<string, string>): Promise<void> {
  await world.runtime.create(key, await world.upload(key, files), {});
}

async function untilSettled(world: RuntimeWorld): Promise<string> {
  let status = "";
  const isSettled = async (): Promise<boolean> => {
    ({ status } = await world.state(key));
    return status === "running" || status === "error";
  };
  await waitUntil("the service runs or has failed", isSettled, 120_000);
  const { error } = await world.state(key);
  return error ?? status;
}

async function printed(world: RuntimeWorld): Promise<string[]> {
  const lines = await Array.fromAsync(world.runtime.logs(key, {}));
  return lines.filter(({ stream }) => stream !== "system").map(({ text }) => text);
}

async function buildLog(world: RuntimeWorld): Promise<string> {
  const chunks = await Array.fromAsync(world.runtime.buildLog(key, new AbortController().signal));
  return Buffer.concat(chunks).toString();
}

/** The builds that are kept, by hash. */
async function builds(folder: string): Promise<string[]> {
  const names = await readdir(`${folder}/runtime/builds`).catch(() => []);
  return names.filter((name) => /^[0-9a-f]{64}$/.test(name));
}

function run(folder: string, ...argv: string[]): void {
  const done = Bun.spawnSync(argv, { cwd: folder, stdout: "ignore", stderr: "pipe", env: { ...process.env } });
  if (done.exitCode !== 0) throw new Error(done.stderr.toString());
}

/** The files of a service with the lock file that a package manager makes for it. */
async function withLock(
  files: Record<string, string>,
  lock: string,
  ...argv: string[]
): Promise<Record<string, string>> {
  await using temp = await createTempFolder();
  for (const [name, text] of Object.entries(files)) await Bun.write(`${temp.path}/${name}`, text);
  run(temp.path, ...argv);
  return { ...files, [lock]: await Bun.file(`${temp.path}/${lock}`).text() };
}

const packageJson = (more: object = {}): string =>
  JSON.stringify({ name: "greeter", type: "module", dependencies: { words: "file:./vendor/words" }, ...more });
const script = { ...vendoredPackage, "index.js": scriptWithPackage, "package.json": packageJson() };
const bun = process.execPath;

describe("a service in JavaScript", () => {
  it("gets the packages of bun.lock, without their install scripts", async () => {
    await using temp = await createTempFolder();
    await using world = await startRuntimeWorld({ folder: temp.path });
    await deploy(world, await withLock(script, "bun.lock", bun, "install", "--ignore-scripts"));
    expect(await untilSettled(world)).toBe("running");
    expect(await printed(world)).toContain("js says from words on bun");
    expect(await buildLog(world)).toContain("installing from bun.lock; install scripts are not run");
    const [hash] = await builds(temp.path);
    expect(existsSync(`${temp.path}/runtime/builds/${hash}/source/node_modules/words/ran.txt`)).toBeFalse();
    expect((await world.state(key)).build).toBe(hash?.slice(0, 7) ?? "");
  });

  it.skipIf(Bun.which("npm") === null)("gets the packages of package-lock.json on Node, with npm", async () => {
    await using temp = await createTempFolder();
    await using world = await startRuntimeWorld({ folder: temp.path });
    const files = { ...script, "package.json": packageJson({ engines: { node: ">=20" } }) };
    await deploy(world, await withLock(files, "package-lock.json", "npm", "install", "--ignore-scripts", "--no-audit"));
    expect(await untilSettled(world)).toBe("running");
    expect(await printed(world)).toContain("js says from words on node");
  });

  it("is told that there is no lock file, and is not given what the server provides", async () => {
    await using temp = await createTempFolder();
    await using world = await startRuntimeWorld({ folder: temp.path });
    const dependencies = { words: "file:./vendor/words", "micro-ts": "^0.1.0" };
    await deploy(world, { ...script, "package.json": packageJson({ dependencies }) });
    expect(await untilSettled(world)).toBe("running");
    expect(await buildLog(world)).toStartWith("no lock file: the newest packages that package.json allows");
    const [hash] = await builds(temp.path);
    const kept = await Bun.file(`${temp.path}/runtime/builds/${hash}/source/package.json`).json();
    expect(kept).toMatchObject({ dependencies });
  });

  it("runs install scripts only where micro.json allows it", async () => {
    await using temp = await createTempFolder();
    await using world = await startRuntimeWorld({ folder: temp.path });
    const manifest = JSON.stringify({
      installScripts: true,
      build: `${bun} install && (cd vendor/words && sh -c "echo ran > ran.txt")`,
    });
    await deploy(world, { ...script, "micro.json": manifest });
    expect(await untilSettled(world)).toBe("running");
  });

  it("fails with one line where the lock file does not fit, and leaves nothing", async () => {
    await using temp = await createTempFolder();
    await using world = await startRuntimeWorld({ folder: temp.path });
    const locked = await withLock(script, "bun.lock", bun, "install", "--ignore-scripts");
    const dependencies = { words: "file:./vendor/words", other: "file:./vendor/other" };
    const other = { "vendor/other/package.json": JSON.stringify({ name: "other", version: "1.0.0" }) };
    await deploy(world, { ...locked, ...other, "package.json": packageJson({ dependencies }) });
    expect(await untilSettled(world)).toBe(
      "the build failed: bun install exited with code 1: error: lockfile had changes, but lockfile is frozen",
    );
    expect(await builds(temp.path)).toEqual([]);
  });
});

describe.skipIf(Bun.which("go") === null)("a service in Go", () => {
  it("is built once, is building meanwhile, and keeps running when the next build fails", async () => {
    await using temp = await createTempFolder();
    await using world = await startRuntimeWorld({ folder: temp.path });
    await deploy(world, goService("one"));
    await waitUntil("it is building", async () => (await world.state(key)).status === "building");
    expect(await untilSettled(world)).toBe("running");
    expect(await printed(world)).toEqual(["go says one"]);
    const [first] = (await world.state(key)).instances;
    const broken = await world.upload(key, goService("two", "\n\tundefinedThing()"));
    await expect(world.runtime.update(key, broken)).rejects.toThrow(
      /the version before stays: the build failed: go build exited with code 1: .*main.go:\d+:\d+: undefined: undefinedThing/,
    );
    expect(await buildLog(world)).toContain("undefined: undefinedThing");
    const state = await world.state(key);
    expect(state.status).toBe("running");
    expect(state.error).toContain("undefined: undefinedThing");
    expect(state.instances).toEqual([first ?? expect.anything()]);
    await world.runtime.update(key, await world.upload(key, goService("three")));
    expect((await printed(world)).at(-1)).toBe("go says three");
    // The one before is kept with its version, and is not built again.
    expect(await builds(temp.path)).toHaveLength(2);
    await world.runtime.rollback(key);
    expect((await printed(world)).at(-1)).toBe("go says one");
    await world.runtime.delete(key);
    expect(await builds(temp.path)).toEqual([]);
  });

  it("is built from the modules that its source brings, and fetches none", async () => {
    await using temp = await createTempFolder();
    await using world = await startRuntimeWorld({ folder: temp.path });
    const { "main.go": main = "", "words/words.go": words = "", ...files } = goService("vendored");
    const version = "v1.0.0";
    await deploy(world, {
      ...files,
      "main.go": main.replace("example.com/greeter/words", "words.invalid/words"),
      "go.mod": `${files["go.mod"]}\nrequire words.invalid/words ${version}\n`,
      "vendor/modules.txt": `# words.invalid/words ${version}\n## explicit\nwords.invalid/words\n`,
      "vendor/words.invalid/words/words.go": words,
    });
    expect(await untilSettled(world)).toBe("running");
    expect(await printed(world)).toEqual(["go says vendored"]);
  });
});

describe.skipIf(Bun.which("python3") === null)("a service in Python", () => {
  it("runs on the machine's Python where it needs nothing, and leaves its source as it is", async () => {
    await using temp = await createTempFolder();
    await using world = await startRuntimeWorld({ folder: temp.path });
    await deploy(world, {
      "main.py": pythonService("import words\nprint('py says', words.answer)"),
      "words.py": "answer = 1",
    });
    expect(await untilSettled(world)).toBe("running");
    expect(await printed(world)).toEqual(["py says 1"]);
    expect(await builds(temp.path)).toEqual([]);
    const [source] = await readdir(`${temp.path}/runtime/sources`);
    expect((await readdir(`${temp.path}/runtime/sources/${source}`)).toSorted()).toEqual(["main.py", "words.py"]);
  });

  it("has an environment of its own with what requirements.txt names", async () => {
    await using temp = await createTempFolder();
    await using world = await startRuntimeWorld({ folder: temp.path });
    const project =
      '[project]\nname = "words"\nversion = "1"\n[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n';
    await deploy(world, {
      "main.py": pythonService("import sys, words\nprint('py says', words.answer, sys.prefix != sys.base_prefix)"),
      "requirements.txt": "./vendor/words\n",
      "vendor/words/pyproject.toml": project,
      "vendor/words/backend.py": pythonBackend,
    });
    expect(await untilSettled(world)).toBe("running");
    expect(await printed(world)).toEqual(["py says from words True"]);
  });

  it("says which requirement cannot be had", async () => {
    await using temp = await createTempFolder();
    await using world = await startRuntimeWorld({ folder: temp.path });
    await deploy(world, { "main.py": pythonService(""), "requirements.txt": "./vendor/missing\n" });
    expect(await untilSettled(world)).toMatch(/^the build failed: pip install exited with code 1: ERROR: .*missing/);
  });
});

/** A build backend that needs nothing from anywhere: it writes a wheel of one module. */
const pythonBackend = `import zipfile
def build_wheel(folder, config_settings=None, metadata_directory=None):
    name = "words-1-py3-none-any.whl"
    with zipfile.ZipFile(folder + "/" + name, "w") as wheel:
        wheel.writestr("words.py", "answer = 'from words'")
        wheel.writestr("words-1.dist-info/METADATA", "Metadata-Version: 2.1\\nName: words\\nVersion: 1\\n")
        wheel.writestr("words-1.dist-info/WHEEL", "Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("words-1.dist-info/RECORD", "words.py,,\\nwords-1.dist-info/METADATA,,\\nwords-1.dist-info/WHEEL,,\\nwords-1.dist-info/RECORD,,\\n")
    return name
`;

describe("a build that micro.json names", () => {
  const made = (manifest: object, more: Record<string, string> = {}): Record<string, string> => ({
    "micro.json": JSON.stringify(manifest),
    ...more,
  });

  it("makes what is started, in an environment that holds nothing of the server", async () => {
    await using temp = await createTempFolder();
    await using world = await startRuntimeWorld({ folder: temp.path });
    const build = ["mkdir out && cp service.txt out/index.ts", 'env > out/env.txt; echo "word $WORD"'];
    const manifest = { build, entrypoint: "out/index.ts", buildEnv: { WORD: "given" }, env: { COLOUR: "blue" } };
    const program = serviceProgram("v1", 'console.log("colour", env.COLOUR, env.WORD)');
    await deploy(world, made(manifest, { "service.txt": program }));
    expect(await untilSettled(world)).toBe("running");
    await waitUntil("it has its environment", async () => (await printed(world)).includes("colour blue undefined"));
    expect(await buildLog(world)).toContain("word given");
    const [hash] = await builds(temp.path);
    const env = await Bun.file(`${temp.path}/runtime/builds/${hash}/source/out/env.txt`).text();
    const names = env
      .trim()
      .split("\n")
      .map((line) => line.split("=", 1)[0] ?? "");
    const known = [
      "CI",
      "GIT_TERMINAL_PROMPT",
      "HOME",
      "LANG",
      "LC_ALL",
      "OLDPWD",
      "PATH",
      "PWD",
      "SHLVL",
      "TMPDIR",
      "TZ",
      "WORD",
      "_",
    ];
    expect(names.filter((name) => !known.includes(name))).toEqual([]);
  });

  it("ends with its service, with all that it started, and leaves nothing", async () => {
    await using temp = await createTempFolder();
    await using world = await startRuntimeWorld({ folder: temp.path });
    const pidFile = `${temp.path}/pid`;
    const build = `sh -c 'echo $$ > ${pidFile}; exec sleep 600' & wait`;
    await deploy(world, made({ build }, { "index.ts": "" }));
    await waitUntil("it is being built", () => existsSync(pidFile) && Bun.file(pidFile).size > 0);
    const pid = Number(await Bun.file(pidFile).text());
    await world.runtime.delete(key);
    await waitUntil("the process is gone", () => readProcessMark(pid) === undefined);
    expect(await builds(temp.path)).toEqual([]);
  });

  it("is begun anew by the next server when its own was killed, with nothing left of the first", async () => {
    await using temp = await createTempFolder();
    const pids = `${temp.path}/pids`;
    const build = `echo $$ >> ${pids}; echo half > half.txt; [ $(wc -l < ${pids}) -gt 1 ] || sleep 600`;
    const server = Bun.spawn([process.execPath, `${import.meta.dir}/build-host.ts`, temp.path, build], {
      // Without the runner's own settings, with which a program's children end when it is killed.
      env: baseEnvironment(),
      stdout: "ignore",
      stderr: "inherit",
    });
    const readPids = async (): Promise<number[]> =>
      (
        await Bun.file(pids)
          .text()
          .catch(() => "")
      )
        .split("\n")
        .filter((line) => line !== "")
        .map(Number);
    await waitUntil("it is being built", async () => (await readPids()).length === 1);
    const [first = 0] = await readPids();
    server.kill("SIGKILL");
    await server.exited;
    expect(readProcessMark(first)).toBeDefined();
    await using world = await startRuntimeWorld({ folder: temp.path });
    await waitUntil("it is built anew", async () => (await readPids()).length === 2);
    await waitUntil("the first build is ended", () => readProcessMark(first) === undefined);
    await waitUntil("it is whole", async () => (await world.state({ ...key, name: "built" })).build !== undefined);
    expect(await builds(temp.path)).toHaveLength(1);
  });

  it("that never ends is ended when its time is over, and the version before stays", async () => {
    await using temp = await createTempFolder();
    await using world = await startRuntimeWorld({ folder: temp.path, buildTimeoutMs: 1_000 });
    await deploy(world, { "index.ts": serviceProgram("v1") });
    expect(await untilSettled(world)).toBe("running");
    const source = await world.upload(key, made({ build: "sleep 600" }, { "index.ts": serviceProgram("v2") }));
    await expect(world.runtime.update(key, source)).rejects.toThrow(
      /the build failed: it did not end within 1s, in sleep 600/,
    );
    expect((await world.state(key)).status).toBe("running");
  });

  it("happens once for two services of the same content, and once for many processes", async () => {
    await using temp = await createTempFolder();
    await using world = await startRuntimeWorld({ folder: temp.path });
    const count = `${temp.path}/count`;
    const files = made({ build: `echo once >> ${count}`, instances: 3 }, { "index.ts": serviceProgram("v1") });
    const second = { ...key, name: "second" };
    await world.runtime.create(second, await world.upload(second, files), {});
    await deploy(world, files);
    expect(await untilSettled(world)).toBe("running");
    await waitUntil("all run", async () =>
      (await world.state(second)).instances.every((each) => each.status === "running"),
    );
    expect((await world.state(key)).instances).toHaveLength(3);
    expect(await Bun.file(count).text()).toBe("once\n");
    await world.runtime.delete(second);
    expect(await builds(temp.path)).toHaveLength(1);
    await world.runtime.delete(key);
    expect(await builds(temp.path)).toEqual([]);
  });

  it("is refused before anything runs when micro.json is wrong", async () => {
    await using temp = await createTempFolder();
    await using world = await startRuntimeWorld({ folder: temp.path });
    const files = { "index.ts": serviceProgram("v1"), "micro.json": '{"biuld": "make"}' };
    await expect(deploy(world, files)).rejects.toThrow(/^micro.json: unknown key biuld; known are command,/);
    await expect(deploy(world, { ...files, "micro.json": "{" })).rejects.toThrow(/^micro.json is not JSON: /);
    expect(await world.runtime.read(key)).toEqual([]);
  });
});
