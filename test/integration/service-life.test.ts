import { describe, expect, it } from "bun:test";
import { join } from "node:path";
import { startServer, type TestServer } from "#testing/start-server.ts";
import { waitUntil } from "#testing/wait-until.ts";
import { root, startServiceProcess } from "./service-process.ts";

/** What happens to services when processes die: theirs, and the server's. */
interface Status {
  readonly name: string;
  readonly status: string;
  readonly instances: readonly { readonly pid?: number; readonly restarts: number }[];
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
