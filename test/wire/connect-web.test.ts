import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { Code, ConnectError, createClient, type Interceptor, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { Registry } from "#gen/registry/registry_pb.ts";
import { startServer, type TestServer } from "#testing/start-server.ts";
import { Greeter } from "../../examples/greeter-proto/greeter_pb.ts";

const example = new URL("../../examples/greeter-proto", import.meta.url).pathname;

let server: TestServer;

beforeAll(async () => {
  server = await startServer();
  expect(await server.micro(["run", example, "--name=greeter"])).toMatchObject({ code: 0 });
}, 30_000);

afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

type Kind = "Connect" | "Connect in protobuf" | "gRPC-Web";

/** A page's way to the proxy, with or without a token. */
function createTransport(kind: Kind, token?: string): Transport {
  const withToken: Interceptor = (next) => (request) => {
    request.header.set("authorization", `Bearer ${token}`);
    return next(request);
  };
  const options = {
    baseUrl: `http://${server.addresses.proxy}`,
    interceptors: token === undefined ? [] : [withToken],
  };
  if (kind === "gRPC-Web") return createGrpcWebTransport(options);
  return createConnectTransport({ ...options, useBinaryFormat: kind === "Connect in protobuf" });
}

/** How a call failed. */
async function failureOf(call: Promise<unknown>): Promise<ConnectError> {
  return ConnectError.from(
    await call.then(
      () => "it succeeded",
      (reason: unknown) => reason,
    ),
  );
}

for (const kind of ["Connect", "Connect in protobuf", "gRPC-Web"] as const satisfies Kind[]) {
  describe(`connect-web over ${kind} at the proxy`, () => {
    it("calls a service, and reads its stream", async () => {
      const greeter = createClient(Greeter, createTransport(kind));
      expect((await greeter.hello({ name: "Jane" })).msg).toBe("Hello Jane");
      const greetings = await Array.fromAsync(greeter.languages({ name: "Jane" }), ({ msg }) => msg);
      expect(greetings).toEqual(["Hello Jane", "Hola Jane", "Hallo Jane", "Bonjour Jane"]);
    });

    it("finds code and text of a failure", async () => {
      const greeter = createClient(Greeter, createTransport(kind));
      const failure = await failureOf(greeter.hello({ name: "" }));
      expect(failure.code).toBe(Code.InvalidArgument);
      expect(failure.rawMessage).toContain("name is empty");
      const registry = createClient(Registry, createTransport(kind));
      const streamed = await failureOf(Array.fromAsync(registry.watch({ service: "nobody" })));
      expect(streamed.code).toBe(Code.Unauthenticated);
      expect(streamed.rawMessage).toContain("an account is required");
    });

    it("is refused without a token, and served with one", async () => {
      const refused = await failureOf(createClient(Registry, createTransport(kind)).listServices({}));
      expect(refused.code).toBe(Code.Unauthenticated);
      const registry = createClient(Registry, createTransport(kind, await server.token()));
      const { services } = await registry.listServices({});
      expect(services.map(({ name }) => name)).toContain("greeter");
    });

    it("ends a stream at its deadline, and when it is left", async () => {
      const registry = createClient(Registry, createTransport(kind, await server.token()));
      const late = await failureOf(Array.fromAsync(registry.watch({ service: "nobody" }, { timeoutMs: 200 })));
      expect(late.code).toBe(Code.DeadlineExceeded);
      const leaving = new AbortController();
      const left = failureOf(Array.fromAsync(registry.watch({ service: "nobody" }, { signal: leaving.signal })));
      leaving.abort();
      expect((await left).code).toBe(Code.Canceled);
    });
  });
}
