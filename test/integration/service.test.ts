import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { MicroError } from "#base/error.ts";
import type { ServiceEntry } from "#interface/registry.ts";
import { createClient, type Client, type ClientOptions } from "#service/client.ts";
import { createTempFolder, type TempFolder } from "#testing/temp-folder.ts";
import { waitUntil } from "#testing/wait-until.ts";
import { buildSdk } from "../../scripts/build-sdk.ts";
import { credentials, ServiceNetwork } from "./service-network.ts";
import { root, startServiceProcess, type ServiceProcess } from "./service-process.ts";

const lab = "test/fixtures/lab-service";
const bun = [process.execPath, "--no-install", "index.js"];
const runtimes: readonly { name: string; command: readonly string[] }[] = [
  { name: "Bun", command: bun },
  { name: "Node", command: ["node", "index.js"] },
];
let build: TempFolder;

beforeAll(async () => {
  build = await createTempFolder();
  await buildSdk(sdkFolder("Node"));
});

afterAll(() => build[Symbol.asyncDispose]());

/** On Bun the framework is this checkout; on Node it is what is built of it. */
function sdkFolder(runtime: string): string {
  return runtime === "Bun" ? root : join(build.path, "sdk");
}

/** The entry of a service, once it is registered. */
async function registered(network: ServiceNetwork, name: string): Promise<ServiceEntry> {
  return waitUntil(`${name} registers`, async () => (await network.registry.getService(name, { domain: "micro" }))[0]);
}

async function failure(work: Promise<unknown>): Promise<MicroError> {
  try {
    await work;
  } catch (reason) {
    if (MicroError.is(reason)) return reason;
    throw reason;
  }
  throw new Error("it did not fail");
}

async function collect<T>(answers: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const each of answers) all.push(each);
  return all;
}

async function* each<T>(...items: T[]): AsyncGenerator<T> {
  yield* items;
}

for (const { name, command } of runtimes) {
  describe(`a service on ${name}`, () => {
    let network: ServiceNetwork;
    let service: ServiceProcess;
    let client: Client;

    beforeAll(async () => {
      network = await ServiceNetwork.open();
      service = await startServiceProcess(lab, command, {
        variables: network.variables,
        sdkFolder: sdkFolder(name),
      });
      client = createClient({ address: network.address, token: await network.token("jane"), variables: {} });
      await Promise.race([
        registered(network, "lab"),
        service.exited.then((code) => Promise.reject(new Error(`it ended with ${code}: ${service.output()}`))),
      ]);
    });

    afterAll(async () => {
      await client.stop();
      await service[Symbol.asyncDispose]();
      await network[Symbol.asyncDispose]();
    });

    it("registers with its node, its endpoints and their types", async () => {
      const entry = await registered(network, "lab");
      expect(entry.version).toBe("latest");
      expect(entry.metadata["team"]).toBe("tests");
      expect(entry.nodes).toHaveLength(1);
      expect(entry.nodes[0]?.id).toStartWith("lab-");
      expect(entry.nodes[0]?.address).toMatch(/^127\.0\.0\.1:\d+$/);
      expect(entry.nodes[0]?.metadata).toMatchObject({
        protocol: "grpc",
        server: "micro-ts",
        http: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      });
      const hello = entry.endpoints.find((each) => each.name === "Say.Hello");
      expect(hello?.metadata["description"]).toBe("Greets somebody by name.");
      expect(hello?.request).toEqual({
        name: "SayHelloRequest",
        type: "SayHelloRequest",
        values: [
          { name: "name", type: "string", values: [] },
          { name: "times", type: "int64", values: [] },
        ],
      });
      expect(entry.endpoints.find((each) => each.name === "Lab.Count")?.metadata).toMatchObject({
        stream: "true",
        kind: "server_stream",
      });
    });

    it("answers a call, without the fields that its schema does not name", async () => {
      expect(await client.call("lab", "Say.Hello", { name: "Jane", extra: 1 })).toEqual({ msg: "Hello Jane" });
    });

    it("converts scalars, and refuses what does not fit with the path of the field", async () => {
      expect(await client.call("lab", "Say.Hello", { name: 7, times: "2" })).toEqual({ msg: "Hello 7Hello 7" });
      const error = await failure(client.call("lab", "Say.Hello", { name: {} }));
      expect(error).toMatchObject({ code: "invalid_argument", id: "lab", detail: "name: expected string, got object" });
    });

    it("types and checks an answer by the caller's schema", async () => {
      const { msg } = await client.call(
        "lab",
        "Say.Hello",
        { name: "Jane" },
        { response: z.object({ msg: z.string() }) },
      );
      expect(msg).toBe("Hello Jane");
      const wrong = client.call("lab", "Say.Hello", { name: "Jane" }, { response: z.object({ msg: z.date() }) });
      expect((await failure(wrong)).code).toBe("bad_gateway");
    });

    it("streams in each direction and in both", async () => {
      expect(await collect(client.stream("lab", "Lab.Count", { to: 3 }))).toEqual([{ at: 1 }, { at: 2 }, { at: 3 }]);
      expect(await client.call("lab", "Lab.Sum", each({ value: 1 }, { value: 2 }, { value: 4 }))).toEqual({ sum: 7 });
      expect(await collect(client.stream("lab", "Lab.Echo", each({ text: "a" }, { text: "b" })))).toEqual([
        { text: "A" },
        { text: "B" },
      ]);
    });

    it("answers each message of a conversation before the next one is sent", async () => {
      const answered = Array.from({ length: 3 }, () => Promise.withResolvers<void>());
      const words = async function* (): AsyncGenerator<{ text: string }> {
        for (const [index, { promise }] of answered.entries()) {
          yield { text: `word ${index}` };
          await promise;
        }
      };
      const answers: unknown[] = [];
      for await (const answer of client.stream("lab", "Lab.Echo", words())) {
        answered[answers.length]?.resolve();
        answers.push(answer);
      }
      expect(answers).toEqual([{ text: "WORD 0" }, { text: "WORD 1" }, { text: "WORD 2" }]);
    });

    it("gives the handler account, namespace, deadline and metadata", async () => {
      const seen = await client.call("lab", "Lab.Call", {}, { timeoutMs: 20_000, metadata: { "x-trace": "t1" } });
      expect(seen).toMatchObject({ account: "jane", namespace: "micro", trace: "t1" });
      expect(Number(seen["remainingMs"])).toBeGreaterThan(0);
      expect(Number(seen["remainingMs"])).toBeLessThanOrEqual(20_000);
    });

    it("passes identity, metadata and deadline on to the calls of a handler", async () => {
      const seen = await client.call("lab", "Lab.Through", {}, { timeoutMs: 20_000, metadata: { "x-trace": "t2" } });
      expect(seen).toMatchObject({ account: "jane", namespace: "micro", trace: "t2" });
      expect(Number(seen["remainingMs"])).toBeLessThanOrEqual(20_000);
    });

    it("does not know an account by a token that does not hold", async () => {
      const { address } = (await registered(network, "lab")).nodes[0] ?? { address: "" };
      const direct = createClient({ address, token: "a.b.c", variables: {} });
      const seen = await direct.call("lab", "Lab.Call", {});
      await direct.stop();
      expect(seen["account"]).toBeUndefined();
    });

    it("runs its interceptors around every call", async () => {
      const refused = await failure(
        client.call("lab", "Say.Hello", { name: "Jane" }, { metadata: { "x-refuse": "1" } }),
      );
      expect(refused).toMatchObject({ code: "permission_denied", detail: "refused by the interceptor" });
      const stream = collect(client.stream("lab", "Lab.Count", { to: 1 }, { metadata: { "x-refuse": "1" } }));
      expect((await failure(stream)).code).toBe("permission_denied");
    });

    it("says that it is well, over HTTP and as a call", async () => {
      const { address } = (await registered(network, "lab")).nodes[0] ?? { address: "" };
      const health = await fetch(`http://${address}/health`);
      expect([health.status, await health.json()]).toEqual([200, { status: "SERVING" }]);
      const check = await fetch(`http://${address}/grpc.health.v1.Health/Check`, {
        method: "POST",
        headers: { "content-type": "application/proto" },
        body: new Uint8Array(),
      });
      expect([...new Uint8Array(await check.arrayBuffer())]).toEqual([8, 1]);
      expect((await fetch(`http://${address}/nothing`)).status).toBe(404);
    });

    it("is back in the registry soon after the server restarted with nothing", async () => {
      const [node] = (await registered(network, "lab")).nodes;
      await network.restart();
      expect((await registered(network, "lab")).nodes[0]?.id).toBe(node?.id ?? "");
    });

    it("stops on SIGTERM: leaves the registry, lets a call in flight end, runs its hooks, exits with 0", async () => {
      const waiting = client.call("lab", "Lab.Wait", {});
      await waitUntil("the call arrives", () => existsSync(join(service.folder, "waiting")));
      service.kill("SIGTERM");
      await waitUntil(
        "it leaves",
        async () => (await network.registry.getService("lab", { domain: "micro" })).length === 0,
      );
      expect(existsSync(join(service.folder, "stopped-hook"))).toBe(false);
      await writeFile(join(service.folder, "release"), "");
      expect(await waiting).toEqual({ released: true });
      expect(await service.exited).toBe(0);
      expect(existsSync(join(service.folder, "stopped-hook"))).toBe(true);
    });
  });

  describe(`a service started by hand on ${name}`, () => {
    it("finds the server of its machine without any setting", async () => {
      await using network = await ServiceNetwork.open();
      await using home = await createTempFolder();
      await network.writeHome(home.path);
      await using _service = await startServiceProcess(lab, command, {
        variables: { MICRO_HOME: home.path },
        sdkFolder: sdkFolder(name),
      });
      await registered(network, "lab");
      await using client = createTestClient({ variables: { MICRO_HOME: home.path } });
      expect(await client.call("lab", "Lab.Call", {})).toMatchObject({ account: credentials.id });
    });

    it("says in one line that there is no server, and exits with 1", async () => {
      await using service = await startServiceProcess(lab, command, { sdkFolder: sdkFolder(name) });
      expect(await service.exited).toBe(1);
      expect(service.output()).toBe(
        'lab: no micro server found: start one with "micro server", or set MICRO_SERVICE_NETWORK\n',
      );
    });

    it("says the same when the server of its machine was killed", async () => {
      await using home = await createTempFolder();
      const network = await ServiceNetwork.open();
      await network.writeHome(home.path);
      await network[Symbol.asyncDispose]();
      await using service = await startServiceProcess(lab, command, {
        variables: { MICRO_HOME: home.path },
        sdkFolder: sdkFolder(name),
      });
      expect(await service.exited).toBe(1);
      expect(service.output()).toStartWith('lab: no micro server found: start one with "micro server"');
      expect(service.output().trim()).not.toContain("\n");
    });
  });
}

describe("a service on a socket file", () => {
  it("listens there for gRPC, and beside it for plain HTTP", async () => {
    await using network = await ServiceNetwork.open();
    await using folder = await createTempFolder();
    const address = `unix:${folder.path}/lab.sock`;
    const variables = { ...network.variables, MICRO_SERVICE_ADDRESS: address };
    await using service = await startServiceProcess(lab, bun, { variables });
    const { nodes } = await registered(network, "lab");
    expect(nodes[0]?.address).toBe(address);
    expect(nodes[0]?.metadata["http"]).toBe(`${address}.http`);
    await using client = createTestClient({
      address: network.address,
      token: await network.token("jane"),
      variables: {},
    });
    expect(await client.call("lab", "Say.Hello", { name: "Jane" })).toEqual({ msg: "Hello Jane" });
    const health = await fetch("http://lab/health", { unix: `${folder.path}/lab.sock.http` });
    expect(health.status).toBe(200);
    service.kill("SIGTERM");
    expect(await service.exited).toBe(0);
    expect(existsSync(`${folder.path}/lab.sock`)).toBe(false);
    expect(existsSync(`${folder.path}/lab.sock.http`)).toBe(false);
  });
});

function createTestClient(options: ClientOptions): Client & AsyncDisposable {
  const client = createClient(options);
  return { ...client, [Symbol.asyncDispose]: () => client.stop() };
}
