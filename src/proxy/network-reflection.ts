import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { MicroError } from "#base/error.ts";
import {
  ServerReflectionRequestSchema,
  ServerReflectionResponseSchema,
  type ServerReflectionRequest,
} from "#gen/grpc/reflection/v1/reflection_pb.ts";
import { requireNamespace } from "#interface/namespace-access.ts";
import type { ServiceDirectory, ServiceEntry } from "#interface/registry.ts";
import { DescriptorIndex } from "#rpc/descriptor-index.ts";
import type { ServiceTable } from "#rpc/method.ts";
import {
  createReflectionTables,
  reflectIndex,
  reflectServices,
  reflectionEndpoint,
  reflectionNames,
  type Reflect,
  type ReflectedAnswer,
} from "#rpc/reflection.ts";
import type { ServerCall } from "#rpc/server-call.ts";
import type { OutgoingCall, Transport } from "#rpc/transport.ts";

export interface NetworkReflectionDeps {
  readonly directory: ServiceDirectory;
  /** The core services, once they are there. */
  readonly core: () => readonly ServiceTable[];
  /** Asks the nodes of other services. */
  readonly grpc: Transport;
}

/** Time for a node to answer one question, in milliseconds: a tool waits for it, and most nodes say at once that they cannot. */
const questionMs = 5_000;

/**
 * Reflection at the identity proxy and in the network: the core services from their descriptors, other services by what
 * their own nodes say. Who may list the services of a namespace may ask; the services of other namespaces are not there.
 */
export function createNetworkReflection(deps: NetworkReflectionDeps): readonly ServiceTable[] {
  let index: DescriptorIndex | undefined;
  return createReflectionTables((call) => {
    requireNamespace(call.account, call.namespace, "reflection");
    index ??= new DescriptorIndex(deps.core().flatMap((table) => table.files));
    return createReflect(deps, index, call);
  });
}

function createReflect(deps: NetworkReflectionDeps, index: DescriptorIndex, call: ServerCall): Reflect {
  /** Who answered last: the imports of a file are asked for by name, which does not say whose they are. */
  let last: string | undefined;
  return async (request) => {
    const { messageRequest } = request;
    if (messageRequest.case === "listServices") return reflectServices(listServices(deps.directory, index, call));
    const service =
      messageRequest.case === "fileContainingSymbol"
        ? serviceOfSymbol(deps.directory.services(call.namespace), messageRequest.value)
        : last;
    if (service === undefined || isKnown(index, request)) return reflectIndex(index, request);
    const answer = await askNodes(deps, { service, request, call });
    last = service;
    return answer;
  };
}

function isKnown(index: DescriptorIndex, { messageRequest }: ServerReflectionRequest): boolean {
  if (messageRequest.case === "fileByFilename") return index.byFileName(messageRequest.value) !== undefined;
  return messageRequest.case === "fileContainingSymbol" && index.bySymbol(messageRequest.value) !== undefined;
}

/** Every service as a stub would name it: what the registry calls it is the package, the type of its endpoints the service. */
function listServices(directory: ServiceDirectory, index: DescriptorIndex, call: ServerCall): readonly string[] {
  const names = new Set(index.services);
  for (const { name, endpoints } of directory.services(call.namespace)) {
    for (const endpoint of endpoints) names.add(`${name}.${endpoint.name.split(".")[0] ?? ""}`);
  }
  return [...names].toSorted();
}

/** The service with the longest name that a symbol may belong to. */
function serviceOfSymbol(services: readonly ServiceEntry[], symbol: string): string | undefined {
  return services
    .map(({ name }) => name)
    .filter((name) => symbol.startsWith(`${name}.`))
    .toSorted((a, b) => b.length - a.length)[0];
}

async function askNodes(
  { directory, grpc }: NetworkReflectionDeps,
  {
    service,
    request,
    call,
  }: {
    readonly service: string;
    readonly request: ServerReflectionRequest;
    readonly call: ServerCall;
  },
): Promise<ReflectedAnswer> {
  const [node] = directory.nodes(service, call.namespace);
  for (const name of node === undefined ? [] : reflectionNames) {
    const outgoing: OutgoingCall = {
      service: name,
      endpoint: reflectionEndpoint,
      encoding: "proto",
      metadata: { ...call.metadata, "micro-namespace": call.namespace },
      deadlineMs: Date.now() + questionMs,
      signal: call.signal,
    };
    try {
      const answers = grpc.stream(node?.address ?? "", outgoing, one(toBinary(ServerReflectionRequestSchema, request)));
      for await (const bytes of answers) return readAnswer(bytes);
    } catch (reason) {
      // The older of the two names, or nothing at all, is what many services have.
      if (MicroError.from(reason).code !== "unimplemented") break;
    }
  }
  throw new MicroError("not_found", `service ${service} tells nobody its descriptors; give your tool its .proto`);
}

function readAnswer(bytes: Uint8Array): ReflectedAnswer {
  const answer = fromBinary(ServerReflectionResponseSchema, bytes).messageResponse;
  if (answer.case !== undefined) return answer;
  throw new MicroError("bad_gateway", "the service answered the question with nothing");
}

async function* one(message: Uint8Array): AsyncGenerator<Uint8Array> {
  yield message;
}
