import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { startServer } from "#testing/start-server.ts";
import { waitUntil } from "#testing/wait-until.ts";
import { echoEndpoints, startEdge, type Edge } from "./edge.ts";
import { askOnAndOn, newTally } from "./keep-alive-client.ts";
import { startEcho, type EchoServer } from "./start-echo.ts";

let echo: EchoServer;

beforeAll(async () => {
  echo = await startEcho("bun");
});
afterAll(() => echo[Symbol.asyncDispose]());

async function start(): Promise<Edge> {
  const edge = await startEdge();
  const node = { id: "echo-1", address: echo.rpcUnix, metadata: { http: echo.httpUnix } };
  await edge.register({ name: "echo", domain: "micro", nodes: [node], endpoints: echoEndpoints });
  return edge;
}

function post(path: string, message: unknown): string {
  const body = JSON.stringify(message);
  return `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
}

describe("gateway that stops", () => {
  it("answers what it took in, and loses no request of those who keep their connections", async () => {
    await using edge = await start();
    const address = edge.gateway.slice("http://".length);
    const tally = newTally();
    const request = post("/echo/Say", { text: "a" });
    const clients = Array.from({ length: 20 }, () => askOnAndOn(address, request, tally));
    await waitUntil("the load to run", () => (tally.answers.get(200) ?? 0) > 200);
    const slow = fetch(`${edge.gateway}/echo/say?text=slow&count=700`);
    await waitUntil("the slow request to be there", async () => (await fetch(`${edge.gateway}/health`)).ok);
    await edge.stopGateway(10_000);
    expect((await slow).status).toBe(200);
    await Promise.all(clients);
    expect([...tally.answers.keys()]).toEqual([200]);
    expect([tally.lost, tally.closes >= clients.length]).toEqual([0, true]);
    expect(fetch(`${edge.gateway}/health`)).rejects.toThrow();
  });

  it("tells the readers of streams, and those who hold a WebSocket", async () => {
    await using edge = await start();
    const lines = await fetch(`${edge.gateway}/echo/repeat?text=quiet-drain&count=5`);
    const reader = lines.body?.pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader?.read())?.value).toContain("quiet-drain");
    const socket = new WebSocket(`${edge.gateway.replace("http", "ws")}/echo/Chat`);
    const closed = new Promise<number>((resolve) => {
      socket.addEventListener("close", ({ code }) => resolve(code));
    });
    await new Promise((resolve) => {
      socket.addEventListener("message", resolve);
      socket.addEventListener("open", () => socket.send(JSON.stringify({ text: "a" })));
    });
    const stopped = edge.stopGateway(10_000);
    expect((await reader?.read())?.value).toContain('"detail":"the server stops"');
    expect((await reader?.read())?.done).toBe(true);
    expect(await closed).toBe(1_001);
    await stopped;
  });

  it("says at /ready that it stops, while it still listens", async () => {
    await using edge = await start();
    const slow = fetch(`${edge.gateway}/echo/say?text=slow&count=300`);
    const before = await fetch(`${edge.gateway}/ready`);
    const stopped = edge.stopGateway(10_000);
    const response = await fetch(`${edge.gateway}/ready`);
    expect([before.status, response.status, response.headers.get("connection")?.toLowerCase()]).toEqual([
      200,
      503,
      "close",
    ]);
    expect(await response.json()).toEqual({ status: "not ready", reasons: ["the server stops"] });
    expect((await slow).status).toBe(200);
    await stopped;
  });

  it("cuts what does not end in time", async () => {
    await using edge = await start();
    const hanging = fetch(`${edge.gateway}/echo/say?text=hang`).then(
      ({ status }) => status,
      () => "cut",
    );
    await waitUntil("the request to be there", async () => (await fetch(`${edge.gateway}/health`)).ok);
    await edge.stopGateway(200);
    expect(await hanging).toBe("cut");
  });
});

describe("micro server under load", () => {
  it("fails no request that it took in when SIGTERM comes", async () => {
    await using server = await startServer();
    const service = new URL("../../examples/helloworld", import.meta.url).pathname;
    expect((await server.micro(["run", service])).code).toBe(0);
    const request = post("/helloworld/Call", { name: "John" });
    const tally = newTally();
    const clients = Array.from({ length: 16 }, () => askOnAndOn(server.addresses.gateway, request, tally));
    await waitUntil("the load to run", () => (tally.answers.get(200) ?? 0) > 200);
    expect(await server.kill("SIGTERM")).toBe(0);
    await Promise.all(clients);
    expect([...tally.answers.keys()]).toEqual([200]);
    expect(tally.lost).toBe(0);
  }, 30_000);
});
