import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { findFreePort } from "#testing/free-port.ts";
import { startServer, type TestServer } from "#testing/start-server.ts";
import { createTempFolder, type TempFolder } from "#testing/temp-folder.ts";
import { waitUntil } from "#testing/wait-until.ts";
import { grpcServer, pythonServer, shopProgram } from "./plain-programs.ts";

let server: TestServer;
let folder: TempFolder;

beforeAll(async () => {
  [server, folder] = await Promise.all([startServer(), createTempFolder()]);
}, 60_000);

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

async function run(name: string, files: Record<string, string>, ...flags: string[]): Promise<void> {
  for (const [file, text] of Object.entries(files)) await Bun.write(`${folder.path}/${name}/${file}`, text);
  const { code, stderr } = await server.micro(["run", `${folder.path}/${name}`, ...flags]);
  if (code !== 0) throw new Error(stderr);
}

async function get(path: string, init: RequestInit = {}): Promise<{ status: number; body: Record<string, unknown> }> {
  const answer = await fetch(`http://${server.addresses.gateway}${path}`, init);
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

async function call(service: string, endpoint: string, request: object): Promise<unknown> {
  const { stdout, stderr, code } = await server.micro(["call", service, endpoint, JSON.stringify(request)]);
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as unknown;
}

describe("an HTTP server with an OpenAPI document", () => {
  it("answers at the gateway and to calls: path, query, header and body go where the document says", async () => {
    await run("shop", { "index.js": shopProgram, "micro.json": '{"runner": "node"}' });
    const token = await server.token();
    const headers = { authorization: `Bearer ${token}` };
    const one = await get("/shop/GetOrder?id=5&fields=a&fields=b&X-Trace=t1", { headers });
    expect(one).toMatchObject({ status: 200, body: { id: 5, fields: ["a", "b"], trace: "t1", authorization: null } });
    const body = JSON.stringify({ what: "tea", next: { what: "milk" } });
    const post = { method: "POST", headers: { "content-type": "application/json" }, body };
    expect((await get("/shop/CreateOrder", post)).body).toMatchObject({ id: 7, what: "tea", next: { what: "milk" } });
    expect(await call("shop", "Shop.GetOrder", { id: 6 })).toMatchObject({ id: 6 });
    expect((await get("/shop/DeleteApiOrdersId?id=6")).body).toEqual({});
    const described = await server.micro(["describe", "shop"]);
    expect(described.stdout).toContain("Shop.GetOrder");
    const said = await server.micro(["shop", "get-order", "--id=8", "--fields=c"]);
    expect(JSON.parse(said.stdout)).toMatchObject({ id: 8, fields: ["c"] });
  });

  it("passes on how it refuses, and says what of a request is wrong", async () => {
    expect(await get("/shop/GetOrder?id=404")).toMatchObject({
      status: 404,
      body: { id: "shop", code: 404, detail: "no order 404" },
    });
    expect(await get("/shop/GetOrder")).toMatchObject({ status: 400, body: { detail: "id: it is missing" } });
    const unknown = {
      method: "POST",
      body: '{"id": 1, "colour": "blue"}',
      headers: { "content-type": "application/json" },
    };
    const detail = "colour: there is no such field; known are id, fields, X-Trace";
    expect(await get("/shop/GetOrder", unknown)).toMatchObject({ status: 400, body: { detail } });
    const up = { ...unknown, body: '{"id": ".."}' };
    expect((await get("/shop/GetOrder", up)).status).toBe(400);
  });

  it("leaves the registry at once when it dies, and comes back", async () => {
    const before = await get("/shop/GetOrder?id=1");
    await get("/shop/GetOrder?id=666");
    const pidOf = async (): Promise<unknown> => (await get("/shop/GetOrder?id=1")).body["pid"];
    await waitUntil("another process answers", async () => {
      const pid = await pidOf();
      return pid !== undefined && pid !== before.body["pid"];
    });
    const { stdout } = await server.micro(["get", "service", "shop", "--output", "json"]);
    expect(stdout.match(/"address":/g)).toHaveLength(1);
  });

  it("is updated without a failed request", async () => {
    const over = new AbortController();
    const failures: unknown[] = [];
    const load = (async () => {
      while (!over.signal.aborted) {
        const { status, body } = await get("/shop/GetOrder?id=2");
        if (status !== 200) failures.push(body);
      }
    })();
    const codes: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      codes.push((await server.micro(["update", `${folder.path}/shop`])).code);
    }
    over.abort();
    await load;
    expect([codes, failures]).toEqual([[0, 0, 0], []]);
  }, 60_000);

  it("is starting, and not running, while its health path says that it is not well", async () => {
    const sick = shopProgram.replace("let isWell = true", "let isWell = false");
    await run("clinic", { "index.js": sick, "micro.json": '{"health": {"path": "/healthz"}}' }, "--detach");
    const isFound = async (): Promise<boolean> =>
      (await server.micro(["logs", "clinic"])).stdout.includes("it listens at");
    await waitUntil("it is found", isFound);
    expect((await server.micro(["services"])).stdout).not.toContain("clinic");
    const { stdout } = await server.micro(["status", "clinic"]);
    expect(stdout).toContain("starting");
    await Bun.write(`${folder.path}/clinic/index.js`, shopProgram);
    await run("clinic", {}, "--force");
    expect((await get("/clinic/GetOrder?id=3")).status).toBe(200);
  });
});

describe("a plain service whose server is killed", () => {
  it("is taken over by the next server, and answers there", async () => {
    const network = `127.0.0.1:${await findFreePort()}`;
    await using killed = await startServer({ args: ["--network-address", network] });
    await Bun.write(`${folder.path}/kept/index.js`, shopProgram);
    const { code, stderr } = await killed.micro(["run", `${folder.path}/kept`]);
    expect([code, stderr]).toEqual([0, "kept is running\n"]);
    const pidOf = async (): Promise<unknown> => {
      const answer = await fetch(`http://${killed.addresses.gateway}/kept/GetOrder?id=1`);
      return ((await answer.json()) as { pid?: number }).pid;
    };
    const before = await pidOf();
    await killed.kill("SIGKILL");
    await killed.start();
    await waitUntil("it answers", async () => (await pidOf()) === before);
  }, 60_000);
});

describe("an HTTP server with a port of its own", () => {
  it("is stopped before its next version starts, and has one process", async () => {
    const port = await findFreePort();
    await run("fixed", { "index.js": shopProgram, "micro.json": JSON.stringify({ port }) });
    const before = (await get("/fixed/GetOrder?id=1")).body["pid"];
    const { code, stderr } = await server.micro(["update", `${folder.path}/fixed`]);
    expect([code, stderr]).toEqual([0, "fixed is running\n"]);
    const answer = (await (await fetch(`http://127.0.0.1:${port}/orders/1`)).json()) as { pid: number };
    expect((await get("/fixed/GetOrder?id=1")).body["pid"]).toBe(answer.pid);
    expect(answer.pid).not.toBe(before);
    const several = await server.micro(["update", `${folder.path}/fixed`, "--instances", "2"]);
    expect(several.stderr).toContain("several instances cannot listen at one port");
  });
});

describe.skipIf(Bun.which("python3") === null)("an HTTP server without a document", () => {
  it("takes any request", async () => {
    await run("plain", { "main.py": pythonServer });
    expect(await call("plain", "Plain.Request", { path: "/a/b", query: { c: "d" } })).toEqual({
      method: "GET",
      path: "/a/b?c=d",
    });
    const sent = await call("plain", "Plain.Request", { method: "post", path: "/x", body: { a: 1 } });
    expect(sent).toEqual({ method: "POST", path: "/x", body: { a: 1 } });
    expect((await get("/plain/Request?path=/y")).body).toMatchObject({ path: "/y" });
  });
});

describe("a gRPC server with reflection", () => {
  it("answers JSON at the gateway, calls by its deployment's name, and stubs by its package", async () => {
    await run("hello", grpcServer, "--runner", "node");
    const token = await server.token();
    const headers = { authorization: `Bearer ${token}` };
    expect((await get("/hello/Greeter/SayHello?first_name=Jane", { headers })).body).toEqual({ message: "Hello Jane" });
    expect(await call("hello", "Greeter.SayHello", { first_name: "Ann" })).toEqual({ message: "Hello Ann" });
    expect(await call("acme.v1", "Greeter.SayHello", { firstName: "Bob" })).toEqual({ message: "Hello Bob" });
    expect(await get("/hello/Greeter/SayHello")).toMatchObject({ status: 400, body: { detail: "who?" } });
    const many = await server.micro(["stream", "hello", "Greeter.SayMany", '{"first_name": "Eve", "times": 3}']);
    expect(many.stdout.match(/Hello Eve/g)).toHaveLength(3);
    await server.micro(["kill", "hello"]);
    const gone = await server.micro(["services"]);
    expect(gone.stdout).not.toContain("acme.v1");
  }, 60_000);
});
