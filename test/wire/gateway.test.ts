import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { connect } from "node:net";
import { waitUntil } from "#testing/wait-until.ts";
import { noteType } from "./echo-service.ts";
import { echoEndpoints, foreignEndpoint, startEdge, type Edge } from "./edge.ts";
import { startEchoServer, type EchoServer as ForeignServer } from "./grpc-js-echo.ts";
import { RawSocket } from "./raw-socket.ts";
import { startEcho, type EchoServer } from "./start-echo.ts";

let edge: Edge;
let echo: EchoServer;
let foreign: ForeignServer;

beforeAll(async () => {
  edge = await startEdge();
  echo = await startEcho("bun");
  foreign = await startEchoServer();
  const node = { id: "echo-1", address: echo.rpcUnix, metadata: { http: echo.httpUnix } };
  for (const domain of ["micro", "foo"]) {
    await edge.register({ name: "echo", domain, nodes: [node], endpoints: echoEndpoints });
  }
  const grpcOnly = { ...node, metadata: {} };
  await edge.register({ name: "echo", domain: "grpc", nodes: [grpcOnly], endpoints: echoEndpoints });
  await edge.register({
    name: "echo",
    domain: "go",
    nodes: [{ id: "go-1", address: foreign.address, metadata: {} }],
    endpoints: [
      foreignEndpoint("Echo.Unary"),
      foreignEndpoint("Echo.Fail"),
      foreignEndpoint("Echo.Repeat", { stream: "true" }),
    ],
  });
});
afterAll(async () => {
  await edge[Symbol.asyncDispose]();
  await echo[Symbol.asyncDispose]();
  await foreign[Symbol.asyncDispose]();
});

/** Status, content type and body of an answer; JSON bodies parsed. */
async function ask(
  path: string,
  init: RequestInit = {},
): Promise<{ status: number; type: string | null; body: unknown }> {
  const response = await fetch(`${edge.gateway}${path}`, { redirect: "manual", ...init });
  const text = await response.text();
  const type = response.headers.get("content-type");
  return { status: response.status, type, body: type === "application/json" && text !== "" ? JSON.parse(text) : text };
}

function post(
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
  signal?: AbortSignal,
): ReturnType<typeof ask> {
  const init = {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "content-type": "application/json", ...headers },
  };
  return ask(path, signal === undefined ? init : { ...init, signal });
}

/** The answer to a request that no client would send: its first line, then headers that it needs. */
function raw(line: string): Promise<string> {
  const { hostname, port } = new URL(edge.gateway);
  return new Promise((resolve, reject) => {
    let text = "";
    const socket = connect(Number(port), hostname, () =>
      socket.write(`${line}\r\nhost: x\r\nconnection: close\r\n\r\n`),
    );
    socket.on("data", (chunk) => {
      text += chunk.toString();
    });
    socket.once("close", () => resolve(text));
    socket.once("error", reject);
  });
}

const say = { text: "hi", count: 3 };

describe("gateway, fixed paths", () => {
  it("tells the version", async () => {
    const response = await fetch(`${edge.gateway}/`);
    expect([response.status, await response.text()]).toEqual([200, '{"version": "1.2.3"}']);
  });

  it("says that it is healthy", async () => expect(await ask("/health")).toMatchObject({ status: 200 }));
  it("has no icon", async () => expect(await ask("/favicon.ico")).toMatchObject({ status: 200, body: "" }));

  it("sends unclean paths to the clean one, with their query", async () => {
    expect(await raw("GET //echo/say?text=x HTTP/1.1")).toMatch(
      /^HTTP\/1.1 301 [^]*\r\nlocation: \/echo\/say\?text=x\r\n/i,
    );
    expect(await raw("POST //evil.example/x HTTP/1.1")).toMatch(
      /^HTTP\/1.1 308 [^]*\r\nlocation: \/evil.example\/x\r\n/i,
    );
  });

  it("lets browsers ask first", async () => {
    const response = await fetch(`${edge.gateway}/echo/Say`, { method: "OPTIONS", headers: { origin: "https://a.b" } });
    expect(response.status).toBe(200);
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
    expect(response.headers.get("access-control-allow-credentials")).toBeNull();
    expect(response.headers.get("access-control-allow-headers")).toContain("Authorization");
  });
});

describe("gateway, calls", () => {
  it("passes JSON to a TypeScript service and back", async () => {
    expect(await post("/echo/Say", say)).toEqual({ status: 200, type: "application/json", body: say });
  });

  it("takes the other spellings of the path", async () => {
    for (const path of ["/echo/echo/say", "/echo/say/", "/echo/Echo/Say"]) {
      expect((await post(path, say)).body).toEqual(say);
    }
  });

  it("reads the query, typed by the schema", async () => {
    expect((await ask("/echo/say?text=123&count=7")).body).toEqual({ text: "123", count: 7 });
    expect((await ask("/echo/say?text")).body).toEqual({ text: "", count: 0 });
  });

  it("joins query and body for every method that calls", async () => {
    for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
      const headers = { "content-type": "application/json" };
      const answer = await ask("/echo/say?text=query&count=1", { method, headers, body: `{"text":"body"}` });
      expect(answer.body).toEqual({ text: "body", count: 1 });
    }
  });

  it("answers HEAD without a body", async () => {
    expect(await ask("/echo/say?text=x", { method: "HEAD" })).toMatchObject({ status: 200, body: "" });
  });

  it("reads forms", async () => {
    const body = new URLSearchParams({ text: "a b", count: "4" });
    expect((await ask("/echo/say", { method: "POST", body })).body).toEqual({ text: "a b", count: 4 });
  });

  it("passes protobuf to a service and back", async () => {
    const { binary } = noteType();
    const response = await fetch(`${edge.gateway}/echo/say`, {
      method: "POST",
      headers: { "content-type": "application/x-protobuf" },
      body: binary?.encode(say) ?? "",
    });
    expect(response.headers.get("content-type")).toBe("application/x-protobuf");
    expect(binary?.decode(new Uint8Array(await response.arrayBuffer()))).toMatchObject(say);
  });

  it("answers 204 for an answer of no bytes", async () => {
    const response = await fetch(`${edge.gateway}/echo/say`, {
      method: "POST",
      headers: { "content-type": "application/proto" },
    });
    expect([response.status, await response.text()]).toEqual([204, ""]);
  });

  it("reaches a service that speaks gRPC alone", async () => {
    expect((await post("/echo/Unary", say, { "micro-namespace": "go" })).body).toEqual(say);
  });

  it("takes a body whose length nobody said", async () => {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        controller.enqueue(Buffer.from(`{"text":`));
        controller.enqueue(Buffer.from(`"chunks"}`));
        controller.close();
      },
    });
    const headers = { "content-type": "application/json" };
    expect((await ask("/echo/say", { method: "POST", body, headers })).body).toEqual({ text: "chunks", count: 0 });
  });

  it("sends headers on, but not those of this hop", async () => {
    const seen = async (name: string): Promise<unknown> =>
      (await post("/echo/say", { text: `metadata:${name}` }, { "x-trace": "t-1", cookie: "a=b" })).body;
    expect(await seen("x-trace")).toMatchObject({ text: expect.stringContaining("t-1|") });
    expect(await seen("micro-namespace")).toMatchObject({ text: expect.stringContaining("micro|") });
    expect(await seen("cookie")).toMatchObject({ text: expect.stringContaining("undefined|") });
  });

  it.each(["micro", "grpc"])("sends several headers of one name on as one, to a service in %s", async (domain) => {
    const body = JSON.stringify({ text: "metadata:set-cookie" });
    const raw = new RawSocket(edge.gateway.slice("http://".length));
    const head = ["POST /echo/say HTTP/1.1", "host: x", "content-type: application/json", `micro-namespace: ${domain}`];
    // Two values whose text is longer than a list of two would say.
    const cookies = ["set-cookie: first", "set-cookie: second"];
    raw.socket.write([...head, ...cookies, `content-length: ${body.length}`, "", body].join("\r\n"));
    await waitUntil("an answer", () => raw.text.includes('"text"'));
    raw.socket.destroy();
    expect(raw.text).toContain('"text":"first, second|');
  });

  it("answers core services in this process", async () => {
    const answer = await ask("/registry/listServices", { headers: { authorization: "Bearer token-admin" } });
    expect(answer.body).toMatchObject({ services: [{ name: "echo", metadata: { domain: "micro" } }] });
  });
});

describe("gateway, nodes that come and go", () => {
  it("skips a dead node of a TypeScript service, and gives up with 503 when all are dead", async () => {
    const dead = { id: "dead", address: "unix:/nowhere/rpc.sock", metadata: { http: "unix:/nowhere/http.sock" } };
    const alive = { id: "alive", address: echo.rpcUnix, metadata: { http: echo.httpUnix } };
    await edge.register({ name: "echo", domain: "half", nodes: [dead, alive], endpoints: echoEndpoints });
    for (let index = 0; index < 10; index += 1) {
      expect(await post("/echo/say", say, { "micro-namespace": "half" })).toMatchObject({ status: 200, body: say });
    }
    await edge.register({ name: "echo", domain: "dead", nodes: [dead], endpoints: echoEndpoints });
    expect(await post("/echo/say", say, { "micro-namespace": "dead" })).toMatchObject({
      status: 503,
      body: { code: 503, status: "Service Unavailable" },
    });
  });

  it("tells a service when the caller of a call leaves", async () => {
    const leave = new AbortController();
    const call = post("/echo/say", { text: "wait:gateway" }, {}, leave.signal).catch((reason: Error) => reason.name);
    const logged = async (): Promise<string> => JSON.stringify((await post("/echo/say", { text: "log" })).body);
    await waitUntil("the handler began", async () => (await logged()).includes("gateway began"));
    leave.abort();
    expect(await call).toBe("AbortError");
    await waitUntil("the handler ended", async () => (await logged()).includes("gateway ended cancelled"));
  });
});

describe("gateway, streams", () => {
  it("writes one line a message", async () => {
    const response = await fetch(`${edge.gateway}/echo/repeat?text=a&count=3`);
    expect(response.headers.get("content-type")).toBe("application/x-ndjson");
    const lines = (await response.text()).trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([0, 1, 2].map((count) => ({ text: "a", count })));
  });

  it("answers a failure before the first message with its status", async () => {
    expect(await ask("/echo/repeat?text=fail&count=0")).toMatchObject({ status: 409, body: { code: 409 } });
  });

  it("writes a failure after messages as the last line", async () => {
    const lines = String((await ask("/echo/repeat?text=fail&count=2")).body)
      .trimEnd()
      .split("\n");
    expect(lines).toHaveLength(3);
    expect(JSON.parse(lines[2] ?? "")).toMatchObject({ error: { code: 409, detail: "after the messages" } });
  });

  it("sends each message when it comes, and tells the service when the caller leaves", async () => {
    const leave = new AbortController();
    const response = await fetch(`${edge.gateway}/echo/repeat?text=quiet-gateway&count=5`, { signal: leave.signal });
    const first = await response.body?.getReader().read();
    expect(new TextDecoder().decode(first?.value)).toContain(`"quiet-gateway"`);
    leave.abort();
    await waitUntil("the handler ended", async () => {
      const { body } = await post("/echo/say", { text: "log" });
      return JSON.stringify(body).includes("quiet-gateway ended cancelled");
    });
  });

  it("streams from a service that speaks gRPC alone", async () => {
    const headers = { "micro-namespace": "go", count: "2" };
    expect((await ask("/echo/repeat?a=1", { headers })).body).toBe(`{"a":1}\n{"a":1}\n`);
  });

  it("refuses endpoints that take a stream", async () => {
    for (const path of ["/echo/join", "/echo/chat"]) {
      expect(await post(path, {})).toMatchObject({
        status: 400,
        body: { detail: expect.stringContaining("WebSocket") },
      });
    }
  });
});

describe("gateway, failures", () => {
  for (const [what, path, init, status, detail] of [
    ["an unknown service", "/nobody/call", {}, 404, "service not found"],
    ["an unknown endpoint", "/echo/nope", {}, 404, "service echo has no endpoint Echo.Nope"],
    ["an unknown endpoint of a core service", "/registry/nope", {}, 404, "has no endpoint"],
    ["a path that is none", "/echo/say%00", {}, 404, "service not found"],
    ["JSON that is none", "/echo/say", { method: "POST", body: "{" }, 400, "JSON"],
    ["JSON that is none beside a query", "/echo/say?a=1", { method: "PUT", body: "{" }, 400, "not valid JSON"],
    ["a field of another type", "/echo/say", { method: "POST", body: `{"count":"x"}` }, 400, "count"],
    ["a query that is none", "/echo/say?%zz=1", {}, 400, "percent-encoded"],
    ["a method that calls nothing", "/echo/say", { method: "PROPFIND" }, 405, "PROPFIND"],
    [
      "a body of another kind",
      "/echo/say",
      { method: "POST", headers: { "content-type": "image/png" } },
      415,
      "image/png",
    ],
    ["a body that is too large", "/echo/say", { method: "POST", body: "x".repeat(1_000_001) }, 413, "1000000"],
    ["another scheme", "/echo/say", { headers: { authorization: "Digest x" } }, 401, "Bearer"],
    ["a token that does not hold", "/echo/say", { headers: { authorization: "Bearer gone" } }, 401, "micro login"],
    ["what the service refuses", "/echo/say?text=fail:conflict", {}, 409, "100% grün"],
    ["a service that crashes", "/echo/say?text=crash", {}, 500, "grün function"],
    ["a deadline that passes", "/echo/say?text=hang", { headers: { timeout: "50000000" } }, 408, "deadline"],
  ] as const) {
    it(`answers ${what} with ${status}`, async () => {
      const given = { headers: { "content-type": "application/json" }, ...(init as RequestInit) };
      const answer = await ask(path, given);
      expect(answer).toMatchObject({ status, type: "application/json", body: { code: status } });
      expect(answer.body).toMatchObject({ detail: expect.stringContaining(detail), status: expect.any(String) });
      expect(JSON.stringify(answer.body)).not.toContain(".ts:");
    });
  }

  it("refuses a body that is too large while it comes", async () => {
    const chunk = new Uint8Array(300_000).fill(32);
    let count = 0;
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        count += 1;
        if (count > 5) controller.close();
        else controller.enqueue(chunk);
      },
    });
    const headers = { "content-type": "application/json" };
    expect((await ask("/echo/say", { method: "POST", body, headers })).status).toBe(413);
  });

  it("keeps running when a caller leaves in the middle of its body", async () => {
    const port = Number(new URL(edge.gateway).port);
    await new Promise<void>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => {
        socket.write(
          "POST /echo/say HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{",
        );
        socket.destroy();
      });
      socket.once("close", () => resolve());
    });
    expect((await post("/echo/say", say)).status).toBe(200);
  });
});

describe("gateway, identity", () => {
  const bearer = (token: string, namespace?: string): Record<string, string> => ({
    authorization: `Bearer ${token}`,
    ...(namespace === undefined ? {} : { "micro-namespace": namespace }),
  });

  it("acts in the namespace of the account", async () => {
    const { body } = await post("/echo/say", { text: "metadata:micro-namespace" }, bearer("token-foo"));
    expect(body).toMatchObject({ text: expect.stringContaining("foo|") });
  });

  it("refuses the namespace of somebody else", async () => {
    for (const [token, namespace] of [
      ["token-foo", "micro"],
      ["token-ann", "foo"],
    ] as const) {
      expect(await post("/echo/say", say, bearer(token, namespace))).toMatchObject({
        status: 403,
        body: { code: 403 },
      });
    }
    expect((await post("/echo/say", say, bearer("token-admin", "foo"))).status).toBe(200);
    expect((await post("/echo/say", say, { "micro-namespace": "../x" })).status).toBe(400);
  });

  it("asks the rules, with and without an account", async () => {
    expect(await post("/echo/plain", say)).toMatchObject({
      status: 401,
      body: { detail: "Unauthorized call made to echo:Echo.Plain" },
    });
    expect(await post("/echo/plain", say, bearer("token-ann"))).toMatchObject({
      status: 403,
      body: { detail: "Forbidden call made to echo:Echo.Plain by ann" },
    });
    expect((await post("/echo/plain", say, bearer("token-admin"))).body).toEqual(say);
  });

  it("takes the token of a cookie, but not from the page of somebody else", async () => {
    const cookie = "a=1; micro-token=micro-token=token-admin";
    expect((await post("/echo/plain", say, { cookie })).status).toBe(200);
    expect((await post("/echo/plain", say, { cookie, origin: edge.gateway })).status).toBe(200);
    expect((await post("/echo/plain", say, { cookie, origin: "https://evil.example" })).status).toBe(401);
    expect((await post("/echo/plain", say, { cookie, "sec-fetch-site": "cross-site" })).status).toBe(401);
  });

  it("lets accounts of every namespace reach core services, which check by themselves", async () => {
    const list = (body: unknown, headers: Record<string, string>) => post("/registry/listServices", body, headers);
    expect((await list({}, {})).status).toBe(401);
    expect((await list({}, bearer("token-foo", "micro"))).status).toBe(403);
    expect((await list({ options: { domain: "foo" } }, bearer("token-foo", "micro"))).status).toBe(200);
    expect((await list({ options: { domain: "*" } }, bearer("token-foo"))).status).toBe(403);
    const { body } = await list({ options: { domain: "*" } }, bearer("token-admin"));
    const { services } = body as { services: { metadata: Record<string, string> }[] };
    expect(services.map((each) => each.metadata["domain"])).toEqual(expect.arrayContaining(["foo", "go", "micro"]));
  });
});
