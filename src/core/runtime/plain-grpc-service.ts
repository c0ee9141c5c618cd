import {
  create,
  createFileRegistry,
  fromBinary,
  toBinary,
  type DescMethod,
  type DescService,
} from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema, type FileDescriptorProto } from "@bufbuild/protobuf/wkt";
import { MicroError } from "#base/error.ts";
import {
  ServerReflectionRequestSchema,
  ServerReflectionResponseSchema,
  type ServerReflectionRequest,
  type ServerReflectionResponse,
} from "#gen/grpc/reflection/v1/reflection_pb.ts";
import type { MethodImplementation } from "#rpc/method.ts";
import { protoMethods, type ProtoHandlers } from "#rpc/proto-service.ts";
import { reflectionEndpoint, reflectionNames } from "#rpc/reflection.ts";
import type { ServerCall } from "#rpc/server-call.ts";
import type { OutgoingCall, Transport } from "#rpc/transport.ts";

export interface PlainGrpcTarget {
  readonly grpc: Transport;
  /** `host:port`. */
  readonly address: string;
}

/** Time for a server to tell its descriptors, in milliseconds. */
const reflectionMs = 5_000;
const fileCountMax = 1_000;
/** What every server tells besides: it belongs to the process, not to the service. */
const ownPackages = /^grpc\.(reflection|health|channelz)\./;

/** One service of a gRPC server. */
export interface PlainGrpcService {
  /** The package of its .proto; empty where it has none. */
  readonly packageName: string;
  readonly methods: readonly MethodImplementation[];
}

/**
 * What a gRPC server answers, as it tells by reflection; undefined where it does not speak gRPC or tells nothing. Callers may
 * write JSON: it is turned into protobuf here.
 */
export async function plainGrpcServices(target: PlainGrpcTarget): Promise<readonly PlainGrpcService[] | undefined> {
  for (const name of reflectionNames) {
    try {
      const descriptors = await readDescriptors(target, name);
      return descriptors.map((each) => toService(target, each));
    } catch (reason) {
      // The older of the two names is what many servers have.
      if (MicroError.from(reason).code !== "unimplemented") return undefined;
    }
  }
  return undefined;
}

async function readDescriptors(target: PlainGrpcTarget, reflection: string): Promise<readonly DescService[]> {
  const ask = (request: ServerReflectionRequest["messageRequest"]): Promise<ServerReflectionResponse> =>
    askServer(target, reflection, request);
  const listed = (await ask({ case: "listServices", value: "" })).messageResponse;
  if (listed.case !== "listServicesResponse") throw new MicroError("bad_gateway", "its services are not listed");
  const names = listed.value.service.map(({ name }) => name).filter((name) => !ownPackages.test(name));
  const files = new Map<string, FileDescriptorProto>();
  for (const name of names) await addFiles(files, () => ask({ case: "fileContainingSymbol", value: name }));
  await addImports(files, (file) => ask({ case: "fileByFilename", value: file }));
  const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: inOrder(files) }));
  return names.flatMap((name) => registry.getService(name) ?? []);
}

async function addFiles(
  files: Map<string, FileDescriptorProto>,
  ask: () => Promise<ServerReflectionResponse>,
): Promise<void> {
  const { messageResponse } = await ask();
  if (messageResponse.case !== "fileDescriptorResponse") throw new MicroError("bad_gateway", "a descriptor is missing");
  for (const bytes of messageResponse.value.fileDescriptorProto) {
    const file = fromBinary(FileDescriptorProtoSchema, bytes);
    files.set(file.name, file);
  }
}

/** Some servers send a file alone, others with all that it imports. */
async function addImports(
  files: Map<string, FileDescriptorProto>,
  ask: (name: string) => Promise<ServerReflectionResponse>,
): Promise<void> {
  for (const file of files.values()) {
    for (const name of file.dependency) {
      if (files.size > fileCountMax) throw new MicroError("bad_gateway", "it tells too many descriptors");
      if (!files.has(name)) await addFiles(files, () => ask(name));
    }
  }
}

/** Imports before those that import them. */
function inOrder(files: ReadonlyMap<string, FileDescriptorProto>): FileDescriptorProto[] {
  const ordered = new Set<FileDescriptorProto>();
  const visit = (name: string): void => {
    const file = files.get(name);
    if (file === undefined || ordered.has(file)) return;
    for (const each of file.dependency) visit(each);
    ordered.add(file);
  };
  for (const name of files.keys()) visit(name);
  return [...ordered];
}

async function askServer(
  { grpc, address }: PlainGrpcTarget,
  reflection: string,
  messageRequest: ServerReflectionRequest["messageRequest"],
): Promise<ServerReflectionResponse> {
  const call: OutgoingCall = {
    service: reflection,
    endpoint: reflectionEndpoint,
    encoding: "proto",
    metadata: {},
    deadlineMs: Date.now() + reflectionMs,
  };
  const request = create(ServerReflectionRequestSchema, { messageRequest });
  for await (const bytes of grpc.stream(address, call, one(toBinary(ServerReflectionRequestSchema, request)))) {
    return fromBinary(ServerReflectionResponseSchema, bytes);
  }
  throw new MicroError("bad_gateway", "reflection was not answered");
}

function toService(target: PlainGrpcTarget, service: DescService): PlainGrpcService {
  const handlers = Object.fromEntries(service.methods.map((method) => [method.localName, toHandler(target, method)]));
  const packageName = service.typeName === service.name ? "" : service.typeName.slice(0, -service.name.length - 1);
  // By name, and each made for its method.
  return { packageName, methods: protoMethods(service, handlers as unknown as ProtoHandlers<DescService>) };
}

type Handler = (request: unknown, call: ServerCall) => unknown;

/** Sends what it is given on, as protobuf, to the path that the server's own .proto says. */
function toHandler({ grpc, address }: PlainGrpcTarget, method: DescMethod): Handler {
  const path = `/${method.parent.typeName}/${method.name}`;
  const { input, output } = method;
  const encode = (message: unknown): Uint8Array => toBinary(input, create(input, message as Record<string, unknown>));
  const outgoing = (call: ServerCall): OutgoingCall => ({
    service: "",
    endpoint: path,
    encoding: "proto",
    metadata: withoutToken(call),
    signal: call.signal,
    ...(call.deadlineMs === undefined ? {} : { deadlineMs: call.deadlineMs }),
    ...(call.answer === undefined ? {} : { answer: call.answer }),
  });
  const isStream = method.methodKind === "client_streaming" || method.methodKind === "bidi_streaming";
  const messages = (request: unknown): AsyncIterable<Uint8Array> =>
    isStream ? mapEach(request as AsyncIterable<unknown>, encode) : one(encode(request));
  if (method.methodKind === "unary") {
    return async (request, call) => fromBinary(output, await grpc.unary(address, outgoing(call), encode(request)));
  }
  const answers = (request: unknown, call: ServerCall): AsyncIterable<unknown> =>
    mapEach(grpc.stream(address, outgoing(call), messages(request)), (bytes) => fromBinary(output, bytes));
  return method.methodKind === "client_streaming" ? (request, call) => firstOf(answers(request, call)) : answers;
}

/** The caller's token is for Micro alone. */
function withoutToken({ metadata }: ServerCall): Readonly<Record<string, string>> {
  const kept = Object.entries(metadata).filter(([name]) => name !== "authorization" && name !== "cookie");
  return Object.fromEntries(kept);
}

async function firstOf(answers: AsyncIterable<unknown>): Promise<unknown> {
  for await (const answer of answers) return answer;
  throw new MicroError("bad_gateway", "the answer has no message");
}

async function* mapEach<A, B>(source: AsyncIterable<A>, map: (each: A) => B): AsyncGenerator<B> {
  for await (const each of source) yield map(each);
}

async function* one(message: Uint8Array): AsyncGenerator<Uint8Array> {
  yield message;
}
