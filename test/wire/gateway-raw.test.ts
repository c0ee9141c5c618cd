import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import fc from "fast-check";
import { waitUntil } from "#testing/wait-until.ts";
import { ambiguousRequests, badChunks } from "./ambiguous-requests.ts";
import { echoEndpoints, startEdge, type Edge } from "./edge.ts";
import { RawSocket } from "./raw-socket.ts";
import { startEcho, type EchoServer } from "./start-echo.ts";

/** What no client of good will sends, on bare connections. */
let echo: EchoServer;
let edge: Edge;
let address: string;

beforeAll(async () => {
  echo = await startEcho("bun");
  edge = await startEdge({ listen: { idleTimeoutSeconds: 4 } });
  address = edge.gateway.slice("http://".length);
  const node = { id: "echo-1", address: echo.rpcUnix, metadata: { http: echo.httpUnix } };
  await edge.register({ name: "echo", domain: "micro", nodes: [node], endpoints: echoEndpoints });
});
afterAll(async () => {
  await edge[Symbol.asyncDispose]();
  await echo[Symbol.asyncDispose]();
});

async function expectWell(): Promise<void> {
  const response = await fetch(`${edge.gateway}/echo/say?text=well`);
  expect(await response.json()).toEqual({ text: "well", count: 0 });
}

function send(text: string): RawSocket {
  const raw = new RawSocket(address);
  raw.socket.write(text, "latin1");
  return raw;
}

/** All that the server says until it closes the connection. */
async function answerOf(text: string): Promise<string> {
  const raw = send(text);
  await waitUntil("the connection to be closed", () => raw.isClosed);
  return raw.text;
}

const post = "POST /echo/Say HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
const hidden = "GET /echo/say?text=smuggled HTTP/1.1\r\nhost: x\r\n\r\n";

describe("gateway, requests of which two readers would make two things", () => {
  it.each(ambiguousRequests(post, hidden))("refuses %s, and reads nothing behind it", async (_what, text) => {
    const answer = await answerOf(text);
    expect(answer).toMatch(/^HTTP\/1\.1 (400|505) /);
    expect(answer).not.toContain("smuggled");
    await expectWell();
  });

  it.each(badChunks)("refuses a chunk with %s", async (_what, chunks) => {
    const answer = await answerOf(`${post}transfer-encoding: chunked\r\n\r\n${chunks}${hidden}`);
    expect(answer).toStartWith("HTTP/1.1 400 ");
    expect(answer).not.toContain("smuggled");
    await expectWell();
  });

  it("closes on a caller that sends a request before the answer to the last, and calls nothing for it", async () => {
    const ahead = ["slow&count=200", "second", "third"].map(
      (text) => `GET /echo/say?text=${text} HTTP/1.1\r\nhost: x\r\n\r\n`,
    );
    expect(await answerOf(ahead.join(""))).toBe("");
    await expectWell();
  });
});

describe("gateway, requests without end", () => {
  it("says 431 for headers and URLs that are too long, and for too many headers", async () => {
    const many = Array.from({ length: 1_000 }, (_, index) => `x-${index}: 1\r\n`).join("");
    for (const text of [
      `GET / HTTP/1.1\r\nhost: x\r\nx-a: ${"a".repeat(100_000)}\r\n\r\n`,
      `GET /${"a".repeat(100_000)} HTTP/1.1\r\nhost: x\r\n\r\n`,
      `GET / HTTP/1.1\r\nhost: x\r\n${many}\r\n`,
    ]) {
      expect(await answerOf(text)).toStartWith("HTTP/1.1 431 ");
    }
    const long = await fetch(`${edge.gateway}/${"a".repeat(5_000)}`);
    expect([long.status, await long.json()]).toMatchObject([431, { detail: "the path is longer than 4096 bytes" }]);
  });

  it("closes on heads and bodies that trickle in, and on those who say nothing", async () => {
    const trickling = ["", "GET / HTTP/1.1\r\nhost: x\r\nx-a: ", `${post}content-length: 1000\r\n\r\n`].map(send);
    // The head of a second request on a connection that was good so far.
    trickling.push(send("GET /health HTTP/1.1\r\nhost: x\r\n\r\nGET / HTTP/1.1\r\nhost: x\r\nx-a: "));
    const drip = setInterval(() => {
      for (const { socket } of trickling.slice(1)) if (!socket.destroyed) socket.write("a");
    }, 500);
    try {
      await waitUntil("all of them to be closed", () => trickling.every(({ isClosed }) => isClosed));
    } finally {
      clearInterval(drip);
    }
    expect(trickling[3]?.text.match(/HTTP\/1\.1 200 /g)).toHaveLength(1);
    await expectWell();
  }, 40_000);

  it("says 413 before it reads a body that is said to be too large", async () => {
    const answer = await answerOf(`${post}content-length: 99999999999\r\n\r\n`);
    expect(answer).toStartWith("HTTP/1.1 413 ");
    expect(answer).toContain('"code":413');
  });

  it("serves others, in memory that does not grow, while a thousand connections misbehave", async () => {
    const forms = [
      `${post}content-length: 900000\r\n\r\n${"x".repeat(60_000)}`,
      `${post}transfer-encoding: chunked\r\n\r\nffff\r\n${"x".repeat(30_000)}`,
      `GET / HTTP/1.1\r\nhost: x\r\nx-a: ${"a".repeat(16_000)}`,
      `GET / HTTP/1.1\r\nhost: x\r\nx-a: ${"a".repeat(200_000)}\r\n\r\n`,
      "\x16\x03\x01\x02\x00",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      hidden.repeat(20),
    ];
    const flood = async (): Promise<void> => {
      const sockets = Array.from({ length: 500 }, (_, index) => send(forms[index % forms.length] ?? ""));
      await expectWell();
      for (const { socket } of sockets) socket.destroy();
      await waitUntil("all of them to be gone", () => sockets.every(({ isClosed }) => isClosed));
    };
    await flood();
    Bun.gc(true);
    const before = process.memoryUsage().rss;
    for (let round = 0; round < 4; round += 1) await flood();
    Bun.gc(true);
    expect(process.memoryUsage().rss - before).toBeLessThan(100_000_000);
    await expectWell();
  }, 40_000);
});

describe("gateway, requests at random", () => {
  const word = fc.oneof(
    fc.constantFrom(
      "GET ",
      "POST ",
      "/echo/say",
      " HTTP/1.1",
      "\r\n",
      "\n",
      "\r",
      "host: x",
      "content-length: ",
      "3",
      "-1",
    ),
    fc.constantFrom(
      "transfer-encoding: chunked",
      "\r\n\r\n",
      "connection: close",
      "upgrade: websocket",
      "{}",
      "%",
      "\0",
      ":",
    ),
    fc.string({ unit: "binary", maxLength: 8 }),
  );

  it("stays up, and answers the next one", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(word, { maxLength: 30 }), async (words) => {
        const raw = send(words.join(""));
        await new Promise((resolve) => raw.socket.once("connect", resolve));
        raw.socket.end();
        expect((await fetch(`${edge.gateway}/health`)).status).toBe(200);
        raw.socket.destroy();
      }),
      { numRuns: 200 },
    );
    await expectWell();
  });
});
