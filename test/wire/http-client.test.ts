import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { describe, expect, it } from "bun:test";
import { limits } from "#base/limits.ts";
import { createHttpClient } from "#platform/http-client.ts";
import { waitUntil } from "#testing/wait-until.ts";
import { collect, failureOf } from "./outcome.ts";

interface Peer extends AsyncDisposable {
  readonly address: string;
  readonly connectionCount: () => number;
}

async function startPeer(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<Peer> {
  const server: Server = createServer(answer);
  let connectionCount = 0;
  server.on("connection", () => {
    connectionCount += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const bound = server.address();
  return {
    address: `127.0.0.1:${typeof bound === "object" ? bound?.port : 0}`,
    connectionCount: () => connectionCount,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const send = (text: string, signal?: AbortSignal) => ({
  path: "/a.B/C",
  headers: { "content-type": "application/json" },
  body: Buffer.from(text),
  ...(signal !== undefined && { signal }),
});

function echo(request: IncomingMessage, response: ServerResponse): void {
  request.pipe(response);
}

describe("HttpClient.post()", () => {
  it("reuses its connection for calls one after the other", async () => {
    await using peer = await startPeer(echo);
    const client = createHttpClient();
    for (let call = 0; call < 20; call += 1) {
      const answer = await client.post(peer.address, send(`${call}`));
      expect(Buffer.from(answer.body).toString()).toBe(`${call}`);
    }
    expect(peer.connectionCount()).toBe(1);
    await client.close();
  });

  it("carries 1,000 calls at once, over no more connections than the limit", async () => {
    await using peer = await startPeer(echo);
    const client = createHttpClient();
    const answers = await Promise.all(
      Array.from({ length: 1_000 }, (_, index) => client.post(peer.address, send(`${index}`))),
    );
    expect(answers.every((answer, index) => Buffer.from(answer.body).toString() === `${index}`)).toBe(true);
    expect(peer.connectionCount()).toBeLessThanOrEqual(limits.httpConnectionsPerAddressMax);
    await client.close();
  });

  it("reaches other services while one hangs on more calls than it has connections", async () => {
    await using hanging = await startPeer(() => undefined);
    await using peer = await startPeer(echo);
    const client = createHttpClient();
    const leave = new AbortController();
    const stuck = Array.from({ length: limits.httpConnectionsPerAddressMax + 50 }, () =>
      failureOf(client.post(hanging.address, send("x", leave.signal))),
    );
    expect((await client.post(peer.address, send("fine"))).status).toBe(200);
    await waitUntil(
      "every connection is in use",
      () => hanging.connectionCount() === limits.httpConnectionsPerAddressMax,
    );
    leave.abort();
    for (const error of await Promise.all(stuck)) expect(error.code).toBe("cancelled");
    await client.close();
  });

  it("sends and receives bodies of many megabytes", async () => {
    await using peer = await startPeer(echo);
    const client = createHttpClient();
    const body = Buffer.alloc(20 * 1024 * 1024, "abcdefg");
    const answer = await client.post(peer.address, { ...send(""), body });
    expect(Buffer.compare(Buffer.from(answer.body), body)).toBe(0);
    await client.close();
  });

  it("refuses an answer above the limit of a message", async () => {
    await using peer = await startPeer((_request, response) => {
      const part = Buffer.alloc(1024 * 1024);
      for (let sent = 0; sent <= limits.messageBytesMax; sent += part.byteLength) response.write(part);
      response.end();
    });
    const client = createHttpClient();
    expect((await failureOf(client.post(peer.address, send("x")))).code).toBe("payload_too_large");
    await client.close();
  });

  it("refuses metadata that would break the request apart", async () => {
    await using peer = await startPeer(echo);
    const client = createHttpClient();
    const smuggled = { ...send("x"), headers: { "x-a": "1\r\nx-b: 2" } };
    expect((await failureOf(client.post(peer.address, smuggled))).code).toBe("invalid_argument");
    expect(peer.connectionCount()).toBe(0);
    await client.close();
  });
});

describe("HttpClient.postStream()", () => {
  it("holds the peer back when its reader is slow, and loses nothing", async () => {
    const partCount = 1_000;
    let writtenCount = 0;
    let isHeld = false;
    await using peer = await startPeer((request, response) => {
      request.resume();
      const part = Buffer.alloc(64 * 1024);
      const write = (): void => {
        while (writtenCount < partCount) {
          writtenCount += 1;
          if (response.write(part)) continue;
          const before = writtenCount;
          // Nothing taken for this long is far more than a loopback connection needs while it is read.
          const timer = setTimeout(() => (isHeld = writtenCount === before), 200);
          response.once("drain", () => {
            clearTimeout(timer);
            write();
          });
          return;
        }
        response.end();
      };
      write();
    });
    const client = createHttpClient();
    async function* nothing(): AsyncGenerator<Uint8Array> {}
    const answer = await client.postStream(peer.address, { path: "/", headers: {}, body: nothing() });
    await waitUntil("the answer is held back", () => isHeld);
    expect(writtenCount).toBeLessThan(partCount);
    const parts = await collect(answer.body);
    expect(parts.reduce((total, part) => total + part.byteLength, 0)).toBe(partCount * 64 * 1024);
    await client.close();
  });

  it("sends no faster than the peer reads", async () => {
    const partCount = 800;
    let read: () => void = () => undefined;
    await using peer = await startPeer((request, response) => {
      request.pause();
      read = () => {
        let total = 0;
        request.on("data", (part: Buffer) => {
          total += part.byteLength;
        });
        request.on("end", () => response.end(String(total)));
        request.resume();
      };
    });
    const client = createHttpClient();
    const progress = { sentCount: 0, seenCount: -1 };
    async function* parts(): AsyncGenerator<Uint8Array> {
      for (; progress.sentCount < partCount; progress.sentCount += 1) yield Buffer.alloc(64 * 1024);
    }
    const answering = client.postStream(peer.address, { path: "/", headers: {}, body: parts() });
    // What stands still from one look to the next waits for the peer.
    let isWaiting = false;
    const watch = setInterval(() => {
      isWaiting = progress.sentCount > 0 && progress.seenCount === progress.sentCount;
      progress.seenCount = progress.sentCount;
    }, 100);
    await waitUntil("the sender waits", () => isWaiting);
    clearInterval(watch);
    expect(progress.sentCount).toBeLessThan(partCount);
    read();
    const [total] = await collect((await answering).body);
    expect(Buffer.from(total ?? []).toString()).toBe(String(partCount * 64 * 1024));
    await client.close();
  });
});
