import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { baseEnvironment, runCommand, type CommandResult } from "#testing/run-command.ts";
import { createTempFolder, type TempFolder } from "#testing/temp-folder.ts";
import { startServer, type TestServer } from "#testing/start-server.ts";
import { waitUntil } from "#testing/wait-until.ts";

/** What `npm run build` makes: one file that is server, command line and framework, in a folder with nothing else. */
const checkout = new URL("../..", import.meta.url).pathname;

let folder: TempFolder;
let executable: string;
let server: TestServer;

beforeAll(async () => {
  folder = await createTempFolder();
  const built = await runCommand([process.execPath, "scripts/build.ts", `${folder.path}/dist`], { cwd: checkout });
  if (built.code !== 0) throw new Error(`the build failed: ${built.stdout}${built.stderr}`);
  executable = `${folder.path}/micro`;
  await runCommand(["mv", `${folder.path}/dist/micro`, executable]);
  await runCommand(["rm", "-r", `${folder.path}/dist`]);
  server = await startServer({ command: [executable], args: ["--workers=1"] });
}, 120_000);

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

function micro(...args: string[]): Promise<CommandResult> {
  return runCommand([executable, ...args], { cwd: folder.path, env: { ...server.env } });
}

describe("the single executable", () => {
  it("says its version without a home", async () => {
    const said = await runCommand([executable, "--version"], { env: { ...baseEnvironment(), MICRO_HOME: "/nowhere" } });
    expect(said).toMatchObject({ code: 0, stdout: expect.stringMatching(/^micro version \d/) });
  });

  it("is a worker of its server, too", () => {
    expect(server.output()).toContain("worker listens");
  });

  it("makes and runs a TypeScript service, with the framework that it carries", async () => {
    expect(await micro("new", "helloworld")).toMatchObject({ code: 0 });
    expect(await micro("run", "./helloworld")).toMatchObject({ code: 0 });
    expect(await micro("helloworld", "call", "--name=Jane")).toMatchObject({ stdout: '{\n\t"msg": "Hello Jane"\n}\n' });
  });

  it("runs a service made from a .proto", async () => {
    expect(await micro("run", `${checkout}/examples/greeter-proto`)).toMatchObject({ code: 0 });
    expect(await micro("greeter", "hello", "--name=Ann")).toMatchObject({
      stdout: expect.stringContaining("Hello Ann"),
    });
  });

  it("runs a JavaScript service on Node", async () => {
    expect(await micro("run", `${checkout}/examples/greeter-node`)).toMatchObject({ code: 0 });
    const called = await micro("call", "greeter-node", "Say.Hello", '{"name":"Joe"}');
    expect(JSON.parse(called.stdout)).toMatchObject({ msg: "Hello Joe", runtime: expect.stringMatching(/^node 2\d/) });
  });

  it("brings everything back after a power cut", async () => {
    await server.kill("SIGKILL");
    await server.start();
    await waitUntil("all three run again", async () => {
      const { stdout } = await micro("status", "--output", "json");
      const states = (JSON.parse(stdout) as { status: string }[]).map((each) => each.status);
      return states.join() === "running,running,running";
    });
  });
});
