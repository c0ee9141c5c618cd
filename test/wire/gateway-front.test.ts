import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { createLogger } from "#base/logger.ts";
import { waitUntil } from "#testing/wait-until.ts";
import { echoEndpoints, startEdge, type Edge, type EdgeOptions } from "./edge.ts";
import { startEcho, type EchoServer } from "./start-echo.ts";

let echo: EchoServer;
let edge: Edge;
const lines: string[] = [];

async function start(options: EdgeOptions): Promise<Edge> {
  const started = await startEdge(options);
  const node = { id: "echo-1", address: echo.rpcUnix, metadata: { http: echo.httpUnix } };
  await started.register({ name: "echo", domain: "micro", nodes: [node], endpoints: echoEndpoints });
  return started;
}

beforeAll(async () => {
  echo = await startEcho("bun");
  const logger = createLogger({ level: "info", write: (line) => void lines.push(line) });
  edge = await start({ logger, gateway: { accessLog: "all", bodyBytesMax: 1_000_000 } });
});
afterAll(async () => {
  await edge[Symbol.asyncDispose]();
  await echo[Symbol.asyncDispose]();
});

function say(target: Edge, text: string, headers: Record<string, string> = {}): Promise<Response> {
  const init = { method: "POST", body: JSON.stringify({ text }), headers: { "content-type": "application/json" } };
  return fetch(`${target.gateway}/echo/Say`, { ...init, headers: { ...init.headers, ...headers } });
}

describe("gateway, request ids", () => {
  it("makes one for a request that has none, another for the next", async () => {
    const ids = await Promise.all(
      [say(edge, "a"), say(edge, "b")].map(async (each) => (await each).headers.get("x-request-id")),
    );
    expect(ids[0]).toMatch(/^[0-9a-f]{8}-\w+$/);
    expect(ids[0]).not.toBe(ids[1] ?? null);
  });

  it("keeps a sane one, and gives it to the service", async () => {
    const response = await say(edge, "metadata:x-request-id", { "x-request-id": "trace-1.a/b=" });
    expect(response.headers.get("x-request-id")).toBe("trace-1.a/b=");
    expect(((await response.json()) as { text: string }).text).toStartWith("trace-1.a/b=|");
  });

  it("gives the service the one that it made", async () => {
    const response = await say(edge, "metadata:x-request-id");
    const { text } = (await response.json()) as { text: string };
    expect(text).toStartWith(`${response.headers.get("x-request-id")}|`);
  });

  it("replaces one that could break a line or is endless", async () => {
    for (const bad of ['a"b', "a b", "ü", "x".repeat(129)]) {
      expect((await say(edge, "a", { "x-request-id": bad })).headers.get("x-request-id")).not.toBe(bad);
    }
  });

  it("is in every answer", async () => {
    for (const path of [
      "/",
      "/health",
      "/ready",
      "/nobody",
      "//a",
      "/favicon.ico",
      "/openapi.json",
      "/echo/repeat?text=x&count=1",
    ]) {
      const response = await fetch(`${edge.gateway}${path}`, {
        redirect: "manual",
        headers: { "x-request-id": "mine" },
      });
      expect([path, response.headers.get("x-request-id")]).toEqual([path, "mine"]);
      await response.text();
    }
  });
});

describe("gateway, access log", () => {
  const lineOf = (id: string): Promise<string> =>
    waitUntil(`a line of ${id}`, () => lines.find((line) => line.endsWith(`request=${id}`)));

  it("says who asked for what, and what he got", async () => {
    await (await say(edge, "a", { "x-request-id": "log-1", authorization: "Bearer token-ann" })).text();
    expect(await lineOf("log-1")).toMatch(
      / info {2}request method=POST path=\/echo\/Say status=200 bytes=\d+ ms=[\d.]+ account=ann address=127.0.0.1 request=log-1$/,
    );
  });

  it("counts the bytes of a stream, and writes when it ends", async () => {
    const response = await fetch(`${edge.gateway}/echo/repeat?text=x&count=3`, {
      headers: { "x-request-id": "log-2" },
    });
    const { length } = await response.text();
    expect(await lineOf("log-2")).toContain(`status=200 bytes=${length} `);
  });

  it("tells of refusals", async () => {
    await (await fetch(`${edge.gateway}/nobody/Call`, { headers: { "x-request-id": "log-3" } })).text();
    expect(await lineOf("log-3")).toContain("path=/nobody/Call status=404");
  });

  it("never has a token, a query or a line break of a caller", async () => {
    const headers = { "x-request-id": "log-4", authorization: "Bearer token-ann", cookie: "micro-token=token-foo" };
    await (await fetch(`${edge.gateway}/echo/say?text=secret-value&token=t`, { headers })).text();
    await (await fetch(`${edge.gateway}/a%0Ab/Call?x=secret-value`, { headers: { "x-request-id": "log-5" } })).text();
    expect(await lineOf("log-5")).toContain("status=404");
    expect(lines.join("\n")).not.toContain("secret-value");
    expect(lines.join("\n")).not.toContain("token-");
    expect(lines.every((line) => /^\d{4}-/.test(line) && !line.includes("\n"))).toBe(true);
  });

  it("is quiet about what works and what callers do wrong, unless asked for all", async () => {
    const said: string[] = [];
    await using quiet = await start({ logger: createLogger({ write: (line) => void said.push(line) }) });
    await (await say(quiet, "a")).text();
    await (await fetch(`${quiet.gateway}/nobody`)).text();
    await (await say(quiet, "fail:unavailable", { "x-request-id": "log-6" })).text();
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(/status=503 .*request=log-6$/);
  });
});

describe("gateway, compression", () => {
  const ask = (path: string, encoding: string): Promise<Response> =>
    fetch(`${edge.gateway}${path}`, { headers: { "accept-encoding": encoding }, decompress: false } as RequestInit);
  const text = "x".repeat(50_000);

  it("compresses an answer for those who ask", async () => {
    for (const length of [2_000, 50_000, 200_000]) {
      const path = `/echo/say?text=big&count=${length}`;
      const plain = await (
        await fetch(`${edge.gateway}${path}`, { headers: { "accept-encoding": "identity" } })
      ).text();
      const response = await ask(path, "gzip");
      expect(response.headers.get("content-encoding")).toBe("gzip");
      expect(response.headers.get("content-type")).toBe("application/json");
      expect(response.headers.get("vary")).toBe("accept-encoding");
      const bytes = new Uint8Array(await response.arrayBuffer());
      expect(Number(response.headers.get("content-length"))).toBe(bytes.byteLength);
      expect(gunzipSync(bytes).toString()).toBe(plain);
    }
  });

  it("prefers zstd, unless the caller likes gzip better", async () => {
    const zstd = await ask("/echo/say?text=big&count=5000", "gzip, deflate, br, zstd");
    expect(zstd.headers.get("content-encoding")).toBe("zstd");
    expect(Buffer.from(Bun.zstdDecompressSync(await zstd.arrayBuffer())).toString()).toContain("xxxx");
    expect((await ask("/echo/say?text=big&count=5000", "zstd;q=0.5, gzip")).headers.get("content-encoding")).toBe(
      "gzip",
    );
  });

  it("leaves alone what is small, streamed, or not asked for so", async () => {
    const cases = [
      ["/echo/say?text=x", "gzip"],
      ["/echo/repeat?text=x&count=300", "gzip"],
      ["/echo/say?text=big&count=5000", "br"],
      ["/echo/say?text=big&count=5000", "gzip;q=0, *;q=0"],
    ] as const;
    for (const [path, encoding] of cases) {
      const response = await ask(path, encoding);
      expect([path, response.status, response.headers.get("content-encoding")]).toEqual([path, 200, null]);
      await response.arrayBuffer();
    }
  });

  it("takes bodies in gzip", async () => {
    const send = (body: Uint8Array<ArrayBuffer>, encoding: string): Promise<Response> =>
      fetch(`${edge.gateway}/echo/Say`, {
        method: "POST",
        body,
        headers: { "content-type": "application/json", "content-encoding": encoding },
      });
    const packed = new Uint8Array(gzipSync(JSON.stringify({ text })));
    expect(await (await send(packed, "gzip")).json()).toEqual({ text, count: 0 });
    expect((await send(packed.subarray(0, 40), "gzip")).status).toBe(400);
    const other = await send(packed, "br");
    expect([other.status, other.headers.get("accept-encoding")]).toEqual([415, "gzip"]);
  });

  it("does not unpack a body that is huge", async () => {
    const bomb = new Uint8Array(gzipSync(Buffer.alloc(100_000_000)));
    const before = process.memoryUsage().rss;
    const answers = Array.from({ length: 20 }, () =>
      fetch(`${edge.gateway}/echo/Say`, { method: "POST", body: bomb, headers: { "content-encoding": "gzip" } }),
    );
    expect(new Set((await Promise.all(answers)).map(({ status }) => status))).toEqual(new Set([413]));
    expect(process.memoryUsage().rss - before).toBeLessThan(200_000_000);
  });
});

describe("gateway, pages of other origins", () => {
  it("answers those that are listed, with credentials, and no others", async () => {
    const cors = { trustedOrigins: ["https://app.example.com"], allowsOthers: false };
    await using listed = await start({ gateway: { cors } });
    const trusted = await say(listed, "a", { origin: "https://app.example.com" });
    expect(trusted.headers.get("access-control-allow-origin")).toBe("https://app.example.com");
    expect(trusted.headers.get("access-control-allow-credentials")).toBe("true");
    expect(trusted.headers.get("access-control-expose-headers")).toContain("X-Request-Id");
    expect(trusted.headers.get("vary")).toBe("origin");
    const other = await say(listed, "a", { origin: "https://app.example.com.evil.example" });
    expect(other.headers.get("access-control-allow-origin")).toBeNull();
    expect(other.headers.get("vary")).toBe("origin");
  });

  it("varies with both origin and compression", async () => {
    await using listed = await start({ gateway: { cors: { trustedOrigins: ["https://a.b"] } } });
    const response = await fetch(`${listed.gateway}/echo/say?text=big&count=5000`, {
      headers: { origin: "https://x.y" },
    });
    expect(response.headers.get("vary")).toBe("origin, accept-encoding");
  });
});

describe("gateway, /ready", () => {
  it("gives the reasons why not", async () => {
    const ready = async (): Promise<{ status: number; body: unknown }> => {
      const response = await fetch(`${edge.gateway}/ready`);
      return { status: response.status, body: await response.json() };
    };
    const release = edge.readiness.hold("the disk is full");
    expect(await ready()).toEqual({ status: 503, body: { status: "not ready", reasons: ["the disk is full"] } });
    expect((await fetch(`${edge.gateway}/health`)).status).toBe(200);
    release();
    expect(await ready()).toEqual({ status: 200, body: { status: "ready" } });
  });
});

describe("gateway, limits of one caller", () => {
  it("sends an address away that asks too often, and says when to come back", async () => {
    await using limited = await start({ gateway: { admission: { addressRate: { perSecond: 0.1, burst: 3 } } } });
    const answers = [];
    for (let index = 0; index < 5; index += 1) answers.push(await fetch(`${limited.gateway}/health`));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429, 429]);
    expect(Number(answers[3]?.headers.get("retry-after"))).toBeWithin(9, 11);
    expect(await answers[3]?.json()).toMatchObject({ code: 429, status: "Too Many Requests" });
  });

  it("counts each account for itself, and nobody without one", async () => {
    await using limited = await start({ gateway: { admission: { accountRate: { perSecond: 0.1, burst: 2 } } } });
    const ask = async (token: string): Promise<number> =>
      (await say(limited, "a", token === "" ? {} : { authorization: `Bearer ${token}` })).status;
    const statuses = [];
    for (const token of ["token-ann", "token-ann", "token-ann", "token-admin", "", "", ""])
      statuses.push(await ask(token));
    expect(statuses).toEqual([200, 200, 429, 200, 200, 200, 200]);
  });

  it("answers so many requests of one address at a time, streams among them", async () => {
    await using limited = await start({ gateway: { admission: { addressConcurrencyMax: 2 } } });
    const leave = new AbortController();
    const streams = [1, 2].map((each) =>
      fetch(`${limited.gateway}/echo/repeat?text=quiet-${each}&count=5`, { signal: leave.signal }),
    );
    const bodies = (await Promise.all(streams)).map((response) => response.body?.getReader());
    await Promise.all(bodies.map((reader) => reader?.read()));
    expect((await fetch(`${limited.gateway}/health`)).status).toBe(429);
    leave.abort();
    await waitUntil("the streams to be over", async () => (await fetch(`${limited.gateway}/health`)).status === 200);
  });
});
