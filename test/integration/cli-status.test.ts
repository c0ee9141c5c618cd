import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { runInTerminal } from "#testing/run-in-terminal.ts";
import { spawnMicro } from "#testing/spawn-command.ts";
import { startServer, type TestServer } from "#testing/start-server.ts";
import { createTempFolder, type TempFolder } from "#testing/temp-folder.ts";
import { waitUntil } from "#testing/wait-until.ts";

let server: TestServer;
let folder: TempFolder;

beforeAll(async () => {
  [server, folder] = await Promise.all([startServer(), createTempFolder()]);
  const program = 'import { service } from "micro-ts"; await service("one").run();';
  await Bun.write(`${folder.path}/one/index.ts`, program);
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

const run = (...args: string[]) => server.micro(args, { cwd: folder.path });

describe("micro status --watch", () => {
  it("prints a line of JSON for every change in a pipe, and ends on Ctrl-C", async () => {
    await using watching = spawnMicro(["status", "--watch"], server.env);
    expect(await run("run", "./one")).toMatchObject({ code: 0 });
    await waitUntil("it runs", () => watching.stdout().includes('"status":"running"'));
    const [service] = JSON.parse((await run("status", "one", "-o", "json")).stdout) as {
      instances: { pid: number }[];
    }[];
    process.kill(service?.instances[0]?.pid ?? 0, "SIGKILL");
    await waitUntil("its crash is seen", () => watching.stdout().includes("signal SIGKILL"));
    await waitUntil("it is back", () => watching.stdout().trimEnd().split("\n").at(-1)?.includes('"running"'));
    await run("kill", "one");
    await waitUntil("its end is seen", () => watching.stdout().includes('"status":"deleted"'));
    for (const line of watching.stdout().trimEnd().split("\n")) expect(JSON.parse(line)).toMatchObject({ name: "one" });
    expect(await watching.end("SIGINT")).toBe(0);
    expect(watching.stderr()).toBe("");
  });

  it("draws a table anew in a terminal, also when the server was away", async () => {
    await using own = await startServer();
    await using terminal = runInTerminal(["status", "-w"], { env: own.env });
    await terminal.shows("nothing is deployed");
    expect(await own.micro(["run", `${folder.path}/one`])).toMatchObject({ code: 0 });
    await terminal.shows("running");
    expect(terminal.screen()).toContain("\u001b[1A\r\u001b[J");
    await own.kill("SIGTERM");
    await terminal.shows("waiting for the server");
    await own.start();
    const shown = terminal.screen().length;
    await waitUntil("it is shown again", () => terminal.screen().slice(shown).includes("running"));
    terminal.type("\u0003");
    expect(await terminal.exited).toBe(0);
  });

  it("is refused where status is", async () => {
    expect(await server.micro(["--namespace=foo", "logout"])).toMatchObject({ code: 0 });
    const refused = await server.micro(["status", "--watch", "-e", "far"]);
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr.split("\n")).toHaveLength(2);
  });
});
