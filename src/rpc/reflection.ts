import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { MicroError } from "#base/error.ts";
import {
  ServerReflection,
  ServerReflectionResponseSchema,
  type ServerReflectionRequest,
  type ServerReflectionResponse,
} from "#gen/grpc/reflection/v1/reflection_pb.ts";
import { DescriptorIndex } from "./descriptor-index.ts";
import { toGrpcStatus } from "./error-wire.ts";
import type { ServiceTable } from "./method.ts";
import { protoMethods } from "./proto-service.ts";
import type { ServerCall } from "./server-call.ts";
import { createServiceTable } from "./service-table.ts";

/** What the questions of one stream are asked of. @throws MicroError what the question is answered with. */
export type Reflect = (request: ServerReflectionRequest) => ReflectedAnswer | Promise<ReflectedAnswer>;

/** What an answer says; who repeats another server's answer gives the whole of it. */
export type ReflectedAnswer = ServerReflectionResponse["messageResponse"] & { readonly case: string };

/** The names under which tools look for it: the newer one first. */
export const reflectionNames = ["grpc.reflection.v1", "grpc.reflection.v1alpha"] as const;

/** The one endpoint of both. */
export const reflectionEndpoint = "ServerReflection.ServerReflectionInfo";

/**
 * Server reflection, as grpcurl and its like ask for it. It belongs to the process and is not published.
 *
 * @param open prepares the answers of one stream. @throws MicroError for who may not ask at all.
 * @see https://github.com/grpc/grpc/blob/master/doc/server-reflection.md
 */
export function createReflectionTables(open: (call: ServerCall) => Reflect): readonly ServiceTable[] {
  const methods = protoMethods(ServerReflection, {
    serverReflectionInfo: (requests, call) => answerAll(requests, open(call)),
  });
  return reflectionNames.map((name) => createServiceTable({ name, version: "1", methods }));
}

/** Reflection on the descriptors that services themselves were declared with. */
export function reflectTables(tables: readonly ServiceTable[]): readonly ServiceTable[] {
  const index = new DescriptorIndex(tables.flatMap((table) => table.files));
  return createReflectionTables(() => (request) => reflectIndex(index, request));
}

async function* answerAll(
  requests: AsyncIterable<ServerReflectionRequest>,
  reflect: Reflect,
): AsyncGenerator<MessageInitShape<typeof ServerReflectionResponseSchema>> {
  for await (const request of requests) {
    yield { validHost: request.host, originalRequest: request, messageResponse: await answerOne(request, reflect) };
  }
}

async function answerOne(request: ServerReflectionRequest, reflect: Reflect): Promise<ReflectedAnswer> {
  try {
    return await reflect(request);
  } catch (reason) {
    const error = MicroError.from(reason);
    const value = { errorCode: toGrpcStatus(error), errorMessage: error.detail };
    return reflected({ case: "errorResponse", value });
  }
}

/** An answer from what an index holds. @throws MicroError `not_found`, `invalid_argument`. */
export function reflectIndex(index: DescriptorIndex, { messageRequest }: ServerReflectionRequest): ReflectedAnswer {
  switch (messageRequest.case) {
    case "listServices":
      return reflectServices(index.services);
    case "fileByFilename":
      return reflectFiles(index.byFileName(messageRequest.value), messageRequest.value);
    case "fileContainingSymbol":
      return reflectFiles(index.bySymbol(messageRequest.value), messageRequest.value);
    case undefined:
      throw new MicroError("invalid_argument", "the question is empty; ask for a file, a symbol or the services");
    default:
      throw new MicroError("not_found", "there are no extensions here");
  }
}

/** The answer that lists services by their full names. */
export function reflectServices(names: readonly string[]): ReflectedAnswer {
  return reflected({ case: "listServicesResponse", value: { service: names.map((name) => ({ name })) } });
}

function reflectFiles(files: readonly Uint8Array[] | undefined, asked: string): ReflectedAnswer {
  if (files === undefined) throw new MicroError("not_found", `${asked}: no descriptor is known here`);
  return reflected({ case: "fileDescriptorResponse", value: { fileDescriptorProto: [...files] } });
}

function reflected(
  messageResponse: MessageInitShape<typeof ServerReflectionResponseSchema>["messageResponse"],
): ReflectedAnswer {
  const built = create(ServerReflectionResponseSchema, { messageResponse: messageResponse ?? { case: undefined } });
  const answer = built.messageResponse;
  if (answer.case === undefined) throw new MicroError("internal", "a reflected answer is empty");
  return answer;
}
