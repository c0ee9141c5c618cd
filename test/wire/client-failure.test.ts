import { createServer, type Server, type Socket } from "node:net";
import { describe, expect, it } from "bun:test";
import { MicroError } from "#base/error.ts";
import { createHttpClient } from "#platform/http-client.ts";
import { GrpcTransport } from "#rpc/grpc-transport.ts";
import { HttpTransport } from "#rpc/http-transport.ts";
import { fixedNode } from "#rpc/node-resolver.ts";
import { RpcClient } from "#rpc/rpc-client.ts";
import type { OutgoingCall, Transport } from "#rpc/transport.ts";
import { createTempFolder } from "#testing/temp-folder.ts";
import { waitUntil } from "#testing/wait-until.ts";
import { failureOf } from "./outcome.ts";
import { startKillable, type Killable } from "./start-killable.ts";

const say = (text: string): Uint8Array => Buffer.from(JSON.stringify({ text, count: 0 }));

function outgoing(rest: Partial<OutgoingCall> = {}): OutgoingCall {
  return { service: "echo", endpoint: "Echo.Say", encoding: "json", metadata: {}, ...rest };
}

const transports: readonly (readonly [string, () => Transport])[] = [
  ["GrpcTransport", () => new GrpcTransport()],
  ["HttpTransport", () => new HttpTransport({ http: createHttpClient() })],
];

for (const [name, create] of transports) {
  for (const kind of ["tcp", "unix"] as const) {
    describe(`${name} over ${kind} when its server fails`, () => {
      const withServer = async (use: (server: Killable, transport: Transport) => Promise<void>): Promise<void> => {
        await using folder = await createTempFolder();
        await using server = await startKillable(kind === "tcp" ? "127.0.0.1:0" : `unix:${folder.path}/s.sock`);
        const transport = create();
        await use(server, transport);
        await transport.close();
      };

      it("says that a call under way was lost, and does not call it unsent", async () => {
        await withServer(async (server, transport) => {
          await transport.unary(server.address, outgoing(), say("x"));
          const failures = Array.from({ length: 5 }, () =>
            failureOf(transport.unary(server.address, outgoing(), say("hang"))),
          );
          await transport.unary(server.address, outgoing(), say("x"));
          await server.kill();
          for (const error of await Promise.all(failures)) {
            expect([error.code, error.neverSent]).toEqual(["unavailable", false]);
            expect(error.detail).toStartWith(`echo at ${server.address}: the connection was`);
          }
        });
      });

      it("ends streams under way with the loss", async () => {
        await withServer(async (server, transport) => {
          async function* one(): AsyncGenerator<Uint8Array> {
            yield Buffer.from(JSON.stringify({ text: "quiet", count: 2 }));
          }
          const call = outgoing({ endpoint: "Echo.Repeat" });
          const answers = transport.stream(server.address, call, one())[Symbol.asyncIterator]();
          expect((await answers.next()).done).toBe(false);
          const failure = failureOf(answers.next());
          await server.kill();
          expect((await failure).code).toBe("unavailable");
        });
      });

      it("says that a call to nobody was never sent", async () => {
        await withServer(async (server, transport) => {
          await transport.unary(server.address, outgoing(), say("x"));
          await server.kill();
          // The first may be written before the end of the connection is known; then nobody can tell what became of it.
          const error = await waitUntil("the loss is known", async () => {
            const failure = await failureOf(transport.unary(server.address, outgoing(), say("x")));
            expect(failure.code).toBe("unavailable");
            return failure.neverSent ? failure : undefined;
          });
          expect(error.detail).toStartWith(`echo at ${server.address}: connection refused`);
        });
      });

      it("answers the next call after the server was replaced between calls", async () => {
        await withServer(async (server, transport) => {
          for (const end of ["kill", "stop"] as const) {
            await using former = await startKillable(
              server.address.startsWith("unix:") ? `${server.address}${end}` : "127.0.0.1:0",
            );
            await transport.unary(former.address, outgoing(), say("x"));
            await former[end]();
            await using next = await startKillable(former.address);
            expect(next.address).toBe(former.address);
            for (let call = 0; call < 20; call += 1) await transport.unary(next.address, outgoing(), say("x"));
          }
        });
      }, 30_000);
    });
  }
}

describe("RpcClient while its server restarts", () => {
  it("loses no call to a graceful restart", async () => {
    let server = await startKillable("127.0.0.1:0");
    const { address } = server;
    const transports = { http: new HttpTransport({ http: createHttpClient() }), grpc: new GrpcTransport() };
    const client = new RpcClient(
      { resolve: fixedNode(address), ...transports },
      { retryCountMax: 0, unsentRoundCountMax: 12 },
    );
    const call = { ...outgoing(), namespace: "micro" };
    const outcome = { answered: 0, failures: [] as string[], isOver: false };
    const load = Array.from({ length: 8 }, async () => {
      while (!outcome.isOver) {
        await client.unary(call, say("x")).then(
          () => {
            outcome.answered += 1;
          },
          (reason: unknown) => outcome.failures.push(MicroError.from(reason).detail),
        );
      }
    });
    for (let round = 0; round < 2; round += 1) {
      const before = outcome.answered;
      await waitUntil("calls are answered", () => outcome.answered > before + 100);
      expect(await server.stop()).toBe(0);
      server = await startKillable(address);
    }
    const before = outcome.answered;
    await waitUntil("calls are answered again", () => outcome.answered > before + 100);
    outcome.isOver = true;
    await Promise.all(load);
    expect(outcome.failures).toEqual([]);
    await client.close();
    await server.kill();
  }, 30_000);
});

describe("HttpTransport on a kept connection", () => {
  it("does not send a call twice when the peer breaks off after reading it", async () => {
    await using peer = await startBreaker();
    const transport = new HttpTransport({ http: createHttpClient() });
    await transport.unary(peer.address, outgoing(), say("fine"));
    const error = await failureOf(transport.unary(peer.address, outgoing(), say("break")));
    expect([error.code, error.neverSent]).toEqual(["unavailable", false]);
    expect(peer.requests()).toBe(2);
    await transport.close();
  });

  it("opens another when the peer closed the kept one", async () => {
    await using peer = await startBreaker();
    const transport = new HttpTransport({ http: createHttpClient() });
    for (let call = 0; call < 10; call += 1) {
      await transport.unary(peer.address, outgoing(), say("fine"));
      peer.closeIdle();
      await waitUntil("no connection is open", () => peer.openCount() === 0);
    }
    expect(peer.requests()).toBe(10);
    await transport.close();
  });
});

interface Breaker extends AsyncDisposable {
  readonly address: string;
  requests(): number;
  openCount(): number;
  closeIdle(): void;
}

/** An HTTP/1.1 peer that answers, except that it breaks off on a body with "break". */
async function startBreaker(): Promise<Breaker> {
  let requestCount = 0;
  const open = new Set<Socket>();
  const server: Server = createServer((socket) => {
    open.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => open.delete(socket));
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      if (!text.endsWith("}")) return;
      requestCount += 1;
      if (text.includes("break")) socket.destroy();
      else socket.write("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}");
      text = "";
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return {
    address: `127.0.0.1:${typeof address === "object" ? address?.port : 0}`,
    requests: () => requestCount,
    openCount: () => open.size,
    closeIdle: () => {
      for (const socket of open) socket.destroy();
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of open) socket.destroy();
      server.close();
    },
  };
}
