import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { readFile } from "node:fs/promises";
import { parseServerFile, resolveHome, type ServerFile } from "#base/home.ts";
import { baseEnvironment, runCommand, type CommandResult } from "#testing/run-command.ts";
import { createTempFolder, type TempFolder } from "#testing/temp-folder.ts";
import { waitUntil } from "#testing/wait-until.ts";

/**
 * The README's first five minutes as a stranger lives them: the checkout cloned into an empty folder, nothing installed,
 * an empty home, and the README's own commands, word by word. Only the ports differ, so that tests can run side by side.
 */
const checkout = new URL("../..", import.meta.url).pathname;

let folder: TempFolder;
let clone: string;
let env: Record<string, string>;
let server: Bun.Subprocess<"ignore", "pipe", "pipe"> | undefined;

beforeAll(async () => {
  folder = await createTempFolder();
  clone = `${folder.path}/micro`;
  env = {
    ...baseEnvironment(),
    HOME: folder.path,
    MICRO_HOME: `${folder.path}/home`,
    MICRO_GATEWAY_ADDRESS: "0",
    MICRO_PROXY_ADDRESS: "0",
    MICRO_NETWORK_ADDRESS: "0",
    ...npmSettings(),
  };
  await cloneCheckout();
});

afterAll(async () => {
  if (server?.exitCode === null) server.kill("SIGTERM");
  await server?.exited;
  await folder[Symbol.asyncDispose]();
});

describe("the first five minutes of the README", () => {
  it("are the commands that this test runs", async () => {
    expect(await readmeCommands()).toEqual([
      "npm start",
      "./bin/micro new helloworld",
      "./bin/micro run ./helloworld",
      "./bin/micro helloworld call --name=Jane",
      "curl 'http://localhost:8080/helloworld/Call?name=John'",
      "./bin/micro status",
      "./bin/micro logs helloworld",
    ]);
  });

  it("install, start the server and print where it listens", async () => {
    const printed = await startNpm();
    expect(printed).toMatch(/gateway +http:\/\/127\.0\.0\.1:\d+/);
    expect(printed).toMatch(/^ready$/m);
  }, 300_000);

  it("make a service, run it and call it from the command line and with curl", async () => {
    expect(await shell("./bin/micro new helloworld")).toMatchObject({ code: 0 });
    expect(await shell("./bin/micro run ./helloworld")).toMatchObject({ code: 0 });
    const call = await shell("./bin/micro helloworld call --name=Jane");
    expect(call).toMatchObject({ code: 0, stdout: '{\n\t"msg": "Hello Jane"\n}\n' });
    const curl = await shell("curl 'http://localhost:8080/helloworld/Call?name=John'");
    expect(JSON.parse(curl.stdout)).toEqual({ msg: "Hello John" });
  }, 60_000);

  it("show the truth about it", async () => {
    const status = await shell("./bin/micro status");
    expect(status.stdout).toMatch(/NAME +\s*VERSION +\s*SOURCE +\s*STATUS/);
    expect(status.stdout).toMatch(/helloworld\s+latest\s+\S+\s+running/);
    expect(await shell("./bin/micro logs helloworld")).toMatchObject({ code: 0 });
  }, 60_000);

  it("answer a caller on the SDK", async () => {
    const script = `import { createClient } from "micro-ts/client";
      const client = createClient({ token: process.env["TOKEN"] ?? "" });
      console.log(JSON.stringify(await client.call("helloworld", "Helloworld.Call", { name: "Sue" })));
      await client.stop();`;
    await Bun.write(`${clone}/caller.ts`, script);
    const token = (await shell("./bin/micro user token")).stdout.trim();
    const called = await runCommand([process.execPath, "caller.ts"], { cwd: clone, env: { ...env, TOKEN: token } });
    expect(called).toMatchObject({ code: 0, stdout: '{"msg":"Hello Sue"}\n' });
  }, 60_000);

  it("answer a gRPC client with an ordinary stub", async () => {
    expect(await shell("./bin/micro run examples/greeter-proto")).toMatchObject({ code: 0 });
    const called = await runCommand([process.execPath, `${checkout}/test/e2e/grpc-caller.ts`], {
      env: { ...env, TARGET: (await addresses()).proxy, PROTO: `${clone}/examples/greeter-proto/greeter.proto` },
    });
    expect(called).toMatchObject({ code: 0, stdout: '{"msg":"Hello Ann","count":"1"}\n' });
  }, 60_000);

  it("run a plain JavaScript service on Node", async () => {
    expect(await shell("./bin/micro run examples/greeter-node")).toMatchObject({ code: 0 });
    const call = await shell('./bin/micro call greeter-node Say.Hello \'{"name":"Joe"}\'');
    expect(JSON.parse(call.stdout)).toMatchObject({ msg: "Hello Joe", runtime: expect.stringMatching(/^node 2\d/) });
  }, 60_000);

  it("survive the sudden death of the server: what ran is back and answers", async () => {
    const pid = (await addresses()).pid;
    process.kill(pid, "SIGKILL");
    await server?.exited;
    await startNpm();
    await waitUntil(
      "helloworld answers again",
      async () => (await shell("./bin/micro helloworld call --name=Kim")).code === 0,
    );
    const status = await shell("./bin/micro status");
    expect(status.stdout).toMatch(/helloworld\s+latest\s+\S+\s+running/);
    expect(await countProcesses(`${env["MICRO_HOME"]}/runtime`)).toBe(3);
  }, 120_000);

  it("end without leaving a process behind", async () => {
    server?.kill("SIGTERM");
    await server?.exited;
    await waitUntil("all processes are gone", async () => (await countProcesses(folder.path)) === 0);
  }, 60_000);
});

/** Clones what is committed, then lays what is not yet committed over it, so that the test sees the tree as it is. */
async function cloneCheckout(): Promise<void> {
  const cloned = await runCommand(["git", "clone", "--quiet", checkout, clone]);
  if (cloned.code !== 0) throw new Error(`git clone failed: ${cloned.stderr}`);
  const list = await runCommand(["git", "ls-files", "-mo", "--exclude-standard"], { cwd: checkout });
  for (const path of list.stdout.split("\n").filter((each) => each !== "")) {
    const copied = await runCommand(["cp", "--parents", "-p", path, clone], { cwd: checkout });
    if (copied.code !== 0 && (await Bun.file(`${checkout}/${path}`).exists())) throw new Error(copied.stderr);
  }
}

/** The commands of the README's first block of shell lines, without their comments. */
async function readmeCommands(): Promise<string[]> {
  const readme = await readFile(`${checkout}/README.md`, "utf8");
  const block = /```sh\n([\s\S]*?)```/.exec(readme)?.[1] ?? "";
  return block
    .split("\n")
    .map((line) => line.replace(/\s+#.*$/, "").trim())
    .filter((line) => line !== "");
}

async function startNpm(): Promise<string> {
  server = Bun.spawn(["npm", "start"], { cwd: clone, env, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  let printed = "";
  const collect = async (stream: ReadableStream<Uint8Array>): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const chunk of stream) printed += decoder.decode(chunk, { stream: true });
  };
  const collected = Promise.all([collect(server.stdout), collect(server.stderr)]);
  const started = server;
  const endMs = Date.now() + 240_000;
  while (!/^ready$/m.test(printed)) {
    if (started.exitCode !== null) {
      await collected;
      throw new Error(`npm start ended with ${started.exitCode}:\n${printed}`);
    }
    if (Date.now() > endMs) throw new Error(`npm start was not ready in time:\n${printed}`);
    await Bun.sleep(20);
  }
  return printed;
}

async function addresses(): Promise<ServerFile> {
  const file = parseServerFile(await readFile(resolveHome(env).serverFile, "utf8"));
  if (file === undefined) throw new Error("server.json cannot be read");
  return file;
}

async function shell(command: string): Promise<CommandResult> {
  const real = command.replace("localhost:8080", (await addresses()).gateway);
  return runCommand(["sh", "-c", real], { cwd: clone, env });
}

/** Processes whose command line or working folder lies below `path`. */
async function countProcesses(path: string): Promise<number> {
  const list = await runCommand(["sh", "-c", "for p in /proc/[0-9]*; do readlink $p/cwd; done 2>/dev/null"]);
  return list.stdout.split("\n").filter((each) => each.startsWith(path)).length;
}

/** The npm of this machine may need its own settings to reach a registry. */
function npmSettings(): Record<string, string> {
  const settings = Object.entries(process.env).filter(([key]) =>
    /^(npm_config_|NPM_CONFIG_|https?_proxy|HTTPS?_PROXY|no_proxy|NO_PROXY|SSL_CERT|NODE_EXTRA)/.test(key),
  );
  const home = process.env["HOME"] ?? "";
  return {
    npm_config_userconfig: `${home}/.npmrc`,
    npm_config_cache: `${home}/.npm`,
    ...Object.fromEntries(settings.map(([key, value]) => [key, value ?? ""])),
  };
}
