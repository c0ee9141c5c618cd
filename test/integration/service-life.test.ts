import { describe, expect, it } from "bun:test";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { readProcessMark } from "#core/runtime/process-mark.ts";
import { findFreePort } from "#testing/free-port.ts";
import { startServer, type TestServer } from "#testing/start-server.ts";
import { createTempFolder } from "#testing/temp-folder.ts";
import { waitUntil } from "#testing/wait-until.ts";
import { root, startServiceProcess } from "./service-process.ts";

/** What happens to services when processes die: theirs, and the server's. */
interface Status {
  readonly name: string;
  readonly status: string;
  readonly instances: readonly { readonly pid?: number; readonly status: string; readonly restarts: number }[];
}

async function statusOf(server: TestServer, name: string): Promise<Status | undefined> {
  const { stdout } = await server.micro(["status", "--output", "json"]);
  return (JSON.parse(stdout) as Status[]).find((each) => each.name === name);
}

async function greets(server: TestServer, path: string): Promise<boolean> {
  try {
    const answer = await fetch(`http://${server.addresses.gateway}/${path}?name=Jane`);
    return answer.status === 200 && ((await answer.json()) as { msg: string }).msg === "Hello Jane";
  } catch {
    return false;
  }
}

function isAlive(pid: number): boolean {
  return readProcessMark(pid) !== undefined;
}

async function answers(server: TestServer, path: string): Promise<boolean> {
  const answer = await fetch(`http://${server.addresses.gateway}/${path}`, { method: "POST", body: "{}" });
  return answer.status === 200;
}

/** A service that counts in its log and, where nobody can lose it, in a file. */
async function writeTicker(folder: string): Promise<void> {
  const program = `
    import { appendFileSync } from "node:fs";
    import { service, z } from "micro-ts";
    const ticker = service("ticker", { version: "1.0.0" });
    const shape = z.object({});
    ticker.endpoint("Say.Hello", { description: "Says nothing.", request: shape, response: shape, handle: async () => ({}) });
    let count = 0;
    setInterval(() => {
      console.log("tick " + ++count);
      appendFileSync(${JSON.stringify(`${folder}/count`)}, count + "\\n");
    }, 20);
    await ticker.run();`;
  await Bun.write(`${folder}/index.ts`, program);
}

async function readCount(folder: string): Promise<number | undefined> {
  const counts = (await readFile(`${folder}/count`, "utf8").catch(() => "")).trim().split("\n");
  return Math.max(0, ...counts.map(Number)) || undefined;
}

/** The node ids of a service, as the registry has them now. */
async function nodesOf(server: TestServer, name: string): Promise<string[]> {
  const { stdout } = await server.micro(["get", "service", name, "--output", "json"]);
  return [...stdout.matchAll(new RegExp(`"id": *"(${name}-[0-9a-f-]{36})"`, "g"))].map((match) => match[1] ?? "");
}

describe("a service of the runtime", () => {
  it("is started again when its process is killed, and the dead node leaves the registry", async () => {
    await using server = await startServer();
    expect((await server.micro(["run", join(root, "examples/helloworld")])).code).toBe(0);
    const [dead] = await nodesOf(server, "helloworld");
    const pid = (await statusOf(server, "helloworld"))?.instances[0]?.pid ?? 0;
    expect(pid).toBeGreaterThan(0);
    process.kill(pid, "SIGKILL");
    await waitUntil("the dead node is gone", async () => !(await nodesOf(server, "helloworld")).includes(dead ?? ""));
    await waitUntil("it runs again", async () => (await statusOf(server, "helloworld"))?.status === "running");
    expect(await greets(server, "helloworld/Call")).toBe(true);
    expect((await statusOf(server, "helloworld"))?.instances[0]?.restarts).toBe(1);
  });
});

/** What the registry says of one process may change; that it is the same process may not. */
async function pidsOf(server: TestServer, name: string): Promise<readonly number[]> {
  return (await statusOf(server, name))?.instances.map(({ pid = 0 }) => pid) ?? [];
}

/** With all of its processes. */
async function untilRunning(server: TestServer, name: string): Promise<void> {
  await waitUntil(
    `${name} runs`,
    async () => (await statusOf(server, name))?.instances.every(({ status }) => status === "running") === true,
  );
}

describe("a service on the framework that says when it is ready", () => {
  it("gets no calls before, also where its check hangs, and is not ended for that", async () => {
    await using server = await startServer();
    await using temp = await createTempFolder();
    const program = `
      import { readFileSync } from "node:fs";
      import { service, z } from "micro-ts";
      const moody = service("moody", { version: "1.0.0" });
      moody.endpoint("Say.Hello", { description: "Says nothing.", request: z.object({}), response: z.object({}), handle: async () => ({}) });
      moody.readyWhen(() => {
        const mood = readFileSync(${JSON.stringify(`${temp.path}/mood`)}, "utf8");
        return mood === "hangs" ? new Promise(() => undefined) : mood === "ready";
      });
      await moody.run();`;
    await Bun.write(`${temp.path}/moody/index.ts`, program);
    await Bun.write(`${temp.path}/mood`, "hangs");
    expect((await server.micro(["run", `${temp.path}/moody`, "--detach"])).code).toBe(0);
    const address = await waitUntil("it listens", async () => {
      const { stdout } = await server.micro(["logs", "moody"]);
      return /serving .*address=(unix:\S+)/.exec(stdout)?.[1];
    });
    const health = (): Promise<Response> =>
      fetch("http://moody/health", { unix: `${address.slice("unix:".length)}.http` });
    expect((await health()).status).toBe(503);
    expect((await statusOf(server, "moody"))?.status).not.toBe("running");
    expect(await answers(server, "moody/Say/Hello")).toBe(false);
    await Bun.write(`${temp.path}/mood`, "ready");
    await untilRunning(server, "moody");
    expect(await answers(server, "moody/Say/Hello")).toBe(true);
    expect(await (await health()).json()).toEqual({ status: "SERVING" });
    expect((await statusOf(server, "moody"))?.instances.map(({ restarts }) => restarts)).toEqual([0]);
  });
});

describe("services whose server dies", () => {
  it("are taken over by the next one, with what they printed meanwhile, and watched as before", async () => {
    const network = `--network-address=${await findFreePort()}`;
    await using server = await startServer({ args: [network] });
    await using temp = await createTempFolder();
    await writeTicker(temp.path);
    expect((await server.micro(["run", temp.path, "--name", "ticker", "--instances", "2"])).code).toBe(0);
    await untilRunning(server, "ticker");
    const before = await pidsOf(server, "ticker");
    expect(new Set(before).size).toBe(2);
    await server.kill("SIGKILL");
    const printed = await waitUntil("it goes on alone", async () => readCount(temp.path));
    await waitUntil("and on", async () => ((await readCount(temp.path)) ?? 0) > (printed ?? 0));
    await server.start();
    await untilRunning(server, "ticker");
    expect(new Set(await pidsOf(server, "ticker"))).toEqual(new Set(before));
    await waitUntil("it answers through the new server", () => answers(server, "ticker/Say/Hello"));
    const { stdout } = await server.micro(["logs", "ticker"]);
    expect(stdout).toContain(`tick ${(printed ?? 0) + 1}\n`);
    const [victim = 0] = before;
    process.kill(victim, "SIGKILL");
    await waitUntil("the death is noticed", async () => {
      const pids = await pidsOf(server, "ticker");
      return pids.every((pid) => pid > 0) && !pids.includes(victim) && pids.length === 2;
    });
    expect((await statusOf(server, "ticker"))?.instances.reduce((sum, { restarts }) => sum + restarts, 0)).toBe(1);
    expect((await server.micro(["kill", "ticker"])).code).toBe(0);
    expect(before.filter(isAlive)).toEqual([]);
  });

  it("stay through an upgrade: --keep-services leaves them to the next server, of any language", async () => {
    const args = [`--network-address=${await findFreePort()}`, "--keep-services"];
    await using server = await startServer({ args });
    await using temp = await createTempFolder();
    await writeTicker(temp.path);
    expect((await server.micro(["run", temp.path, "--name", "ticker"])).code).toBe(0);
    await Bun.write(
      `${temp.path}/plain/index.ts`,
      'Bun.serve({ hostname: "127.0.0.1", port: Number(process.env.PORT), fetch: () => Response.json({}) });',
    );
    expect((await server.micro(["run", `${temp.path}/plain`])).code).toBe(0);
    const before = [...(await pidsOf(server, "ticker")), ...(await pidsOf(server, "plain"))];
    expect(await server.kill("SIGTERM")).toBe(0);
    expect(before.filter(isAlive)).toEqual(before);
    await server.start();
    for (const name of ["ticker", "plain"]) await untilRunning(server, name);
    expect(await answers(server, "plain/Request")).toBe(true);
    expect([...(await pidsOf(server, "ticker")), ...(await pidsOf(server, "plain"))]).toEqual(before);
    expect((await server.micro(["kill", "ticker", "plain"])).code).toBe(0);
    expect(before.filter(isAlive)).toEqual([]);
  });

  it("are ended and started anew when the network has moved, since they could never find it", async () => {
    await using server = await startServer();
    expect((await server.micro(["run", join(root, "examples/helloworld")])).code).toBe(0);
    const before = await pidsOf(server, "helloworld");
    await server.kill("SIGKILL");
    await server.start();
    await untilRunning(server, "helloworld");
    expect(await greets(server, "helloworld/Call")).toBe(true);
    expect(before.filter(isAlive)).toEqual([]);
  });
});

describe.each([
  ["Bun", "examples/helloworld", [process.execPath, "index.ts"], "helloworld/Call"],
  ["Node", "examples/greeter-node", ["node", "index.js"], "greeter-node/Say/Hello"],
] as const)("a service started by hand on %s", (_runtime, source, command, path) => {
  it("joins the server of the machine without any setting, and again after the server's sudden death", async () => {
    await using server = await startServer();
    // The server has built the framework for Node by the time that a service of its own runs on it.
    if (command[0] === "node") expect((await server.micro(["run", join(root, source)])).code).toBe(0);
    if (command[0] === "node") expect((await server.micro(["kill", "greeter-node"])).code).toBe(0);
    await using service = await startServiceProcess(source, command, { variables: { MICRO_HOME: server.home } });
    await waitUntil("it answers through the gateway", () => greets(server, path));
    await server.kill("SIGKILL");
    await server.start();
    await waitUntil("it answers through the new server", () => greets(server, path));
    service.kill("SIGTERM");
    expect(await service.exited).toBe(0);
    const gone = await fetch(`http://${server.addresses.gateway}/${path}`);
    expect(gone.status).toBe(404);
  });
});
