import { describe, expect, it } from "bun:test";
import { createHttpClient } from "#platform/http-client.ts";
import { GrpcTransport } from "#rpc/grpc-transport.ts";
import { HttpTransport } from "#rpc/http-transport.ts";
import type { MethodKind, MethodSpec } from "#rpc/method.ts";
import { RpcClient } from "#rpc/rpc-client.ts";
import { TypedClient } from "#rpc/typed-client.ts";
import { noteType, type Note } from "./echo-service.ts";
import { startEcho, type EchoServer } from "./start-echo.ts";
import { collect, failureOf } from "./outcome.ts";

const note = noteType();
const spec = (method: string, kind: MethodKind): MethodSpec<Note, Note> => ({
  endpoint: `Echo.${method}`,
  kind,
  input: note,
  output: note,
});

function createClients(server: EchoServer): { client: TypedClient; close: () => Promise<void> } {
  const node = { id: "echo-1", address: server.rpc, metadata: { http: server.http } };
  const rpc = new RpcClient({
    resolve: (service) => (service === "echo" ? [node] : []),
    http: new HttpTransport({ http: createHttpClient() }),
    grpc: new GrpcTransport(),
  });
  const metadata = (): Record<string, string> => ({ "x-caller": "test" });
  return { client: new TypedClient(rpc, { namespace: "micro", metadata }), close: () => rpc.close() };
}

describe("TypedClient", () => {
  it("carries messages of every kind, in both encodings", async () => {
    await using server = await startEcho("bun");
    const { client, close } = createClients(server);
    for (const encoding of ["proto", "json"] as const) {
      const options = { encoding };
      const said = await client.unary(spec("Say", "unary"), "echo", { text: "hi", count: 2 }, options);
      expect([said.text, said.count]).toEqual(["hi", 2]);
      const repeated = client.serverStream(spec("Repeat", "server_stream"), "echo", { text: "x", count: 3 }, options);
      expect((await collect(repeated)).map((each) => each.count)).toEqual([0, 1, 2]);
      const notes = ["a", "b"].map((text) => ({ text, count: 0 }));
      expect((await client.clientStream(spec("Join", "client_stream"), "echo", notes, options)).text).toBe("a b");
      const chat = client.bidiStream(spec("Chat", "bidi_stream"), "echo", notes, options);
      expect((await collect(chat)).map((each) => each.text)).toEqual(["a", "b"]);
    }
    await close();
  });

  it("carries plain JSON, and the client's metadata with the call's", async () => {
    await using server = await startEcho("bun");
    const { client, close } = createClients(server);
    const answer = await client.callJson("echo", "Echo.Say", { text: "metadata:x-caller" });
    expect(answer).toMatchObject({ text: expect.stringMatching(/^test\|/) });
    const options = { metadata: { "x-caller": "call" } };
    const own = await client.callJson("echo", "Echo.Say", { text: "metadata:x-caller" }, options);
    expect(own).toMatchObject({ text: expect.stringMatching(/^call\|/) });
    const streamed = await collect(client.streamJson("echo", "Echo.Repeat", [{ text: "x", count: 2 }]));
    expect(streamed).toEqual([
      { text: "x", count: 0 },
      { text: "x", count: 1 },
    ]);
    await close();
  });

  it("ends calls after their timeout, and names what is missing", async () => {
    await using server = await startEcho("bun");
    const { client, close } = createClients(server);
    const late = await failureOf(client.callJson("echo", "Echo.Say", { text: "hang" }, { timeoutMs: 50 }));
    expect(late.code).toBe("timeout");
    const missing = await failureOf(client.callJson("nope", "Nope.Call", {}));
    expect([missing.code, missing.detail]).toEqual(["not_found", "service nope: route not found"]);
    await close();
  });
});
