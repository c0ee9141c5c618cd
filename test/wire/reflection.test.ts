import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { createFileRegistry, fromBinary, create } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { silentLogger } from "#base/logger.ts";
import type { HttpListener } from "#rpc/http-exchange.ts";
import { protoMethods } from "#rpc/proto-service.ts";
import { reflectTables, reflectionNames } from "#rpc/reflection.ts";
import { listenRpc } from "#rpc/rpc-listener.ts";
import { createRpcServer } from "#rpc/rpc-server.ts";
import { createServiceTable, resolveTables } from "#rpc/service-table.ts";
import { Greeter } from "../../examples/greeter-proto/greeter_pb.ts";
import { echoEndpoints, startEdge, type Edge } from "./edge.ts";
import { dial, RawCall } from "./http2-call.ts";

let edge: Edge;
let greeter: HttpListener;

beforeAll(async () => {
  const table = createServiceTable({
    name: "greeter",
    version: "1",
    methods: protoMethods(Greeter, { hello: ({ name }) => ({ msg: name }) }),
  });
  const resolve = resolveTables([table, ...reflectTables([table])]);
  const server = createRpcServer({ resolve, logger: silentLogger, name: "greeter" });
  [edge, greeter] = await Promise.all([startEdge(), listenRpc({ address: "127.0.0.1:0", server })]);
  await edge.register({
    name: "greeter",
    domain: "micro",
    nodes: [{ id: "g", address: greeter.address, metadata: {} }],
    endpoints: table.endpoints,
  });
  // No .proto is known of this one, and its node is not there either.
  const nodes = [{ id: "e", address: "127.0.0.1:1", metadata: {} }];
  await edge.register({ name: "echo", domain: "micro", nodes, endpoints: echoEndpoints });
  await edge.register({ name: "other", domain: "foo", nodes, endpoints: echoEndpoints });
});

afterAll(async () => {
  await greeter.stop(0);
  await edge[Symbol.asyncDispose]();
});

type Answer = Readonly<Record<string, unknown>>;

/** Asks all questions on one stream of the proxy. */
async function ask(questions: readonly object[], token?: string, name: string = reflectionNames[0]): Promise<RawCall> {
  const session = dial(edge.proxy);
  const call = new RawCall(session, {
    ":path": `/${name}.ServerReflection/ServerReflectionInfo`,
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  });
  for (const each of questions) call.send(each);
  call.stream.end();
  await call.closed();
  session.close();
  return call;
}

async function answers(questions: readonly object[], token = "token-ann", name?: string): Promise<readonly Answer[]> {
  return (await ask(questions, token, name)).messages.map((each) => JSON.parse(each) as Answer);
}

/** The descriptors of an answer, as a tool would load them. */
function load(answer: Answer | undefined): ReturnType<typeof createFileRegistry> {
  const response = answer?.["file_descriptor_response"] as { file_descriptor_proto: readonly string[] } | undefined;
  const files = response?.file_descriptor_proto ?? [];
  const file = files.map((each) => fromBinary(FileDescriptorProtoSchema, Buffer.from(each, "base64")));
  return createFileRegistry(create(FileDescriptorSetSchema, { file: file.toReversed() }));
}

describe("reflection at the proxy", () => {
  it("lists the core services and those of the caller's namespace, under both of its names", async () => {
    for (const name of reflectionNames) {
      const [answer] = await answers([{ list_services: "*" }], "token-ann", name);
      expect(answer?.["list_services_response"]).toEqual({
        service: [{ name: "echo.Echo" }, { name: "greeter.Greeter" }, { name: "registry.Registry" }],
      });
    }
    const [foreign] = await answers([{ list_services: "" }], "token-foo");
    expect(JSON.stringify(foreign?.["list_services_response"])).not.toContain("greeter");
  });

  it("gives the descriptors of core services", async () => {
    const [bySymbol, byMethod, byFile] = await answers([
      { file_containing_symbol: "registry.Registry" },
      { file_containing_symbol: "registry.Registry.GetService" },
      { file_by_filename: "registry/registry.proto" },
    ]);
    for (const answer of [bySymbol, byMethod, byFile]) {
      const service = load(answer).getService("registry.Registry");
      expect(service?.methods.map((each) => each.name)).toContain("Watch");
    }
  });

  it("gives what a service says of itself, its file by name too", async () => {
    const [bySymbol, byFile] = await answers([
      { file_containing_symbol: "greeter.Greeter" },
      { file_by_filename: "greeter.proto" },
    ]);
    for (const answer of [bySymbol, byFile]) {
      const registry = load(answer);
      expect(registry.getService("greeter.Greeter")?.methods).toHaveLength(4);
      expect(registry.getMessage("greeter.HelloResponse")?.fields.map((each) => each.number)).toEqual([1, 2]);
    }
  });

  it("says what it does not know, and goes on", async () => {
    const found = await answers([
      { file_containing_symbol: "echo.Echo" },
      { file_containing_symbol: "nobody.Nothing" },
      { file_containing_extension: { containing_type: "a.B", extension_number: 1 } },
      {},
      { list_services: "" },
    ]);
    expect(found.map((each) => each["error_response"] ?? "none")).toEqual([
      { error_code: 5, error_message: "service echo tells nobody its descriptors; give your tool its .proto" },
      { error_code: 5, error_message: "nobody.Nothing: no descriptor is known here" },
      { error_code: 5, error_message: "there are no extensions here" },
      { error_code: 3, error_message: "the question is empty; ask for a file, a symbol or the services" },
      "none",
    ]);
  });

  it("answers nobody who has no account, and tells nobody of another namespace's services", async () => {
    expect((await ask([{ list_services: "" }])).status).toBe("16");
    const [answer] = await answers([{ file_containing_symbol: "greeter.Greeter" }], "token-foo");
    expect(answer?.["error_response"]).toEqual({
      error_code: 5,
      error_message: "greeter.Greeter: no descriptor is known here",
    });
  });
});
