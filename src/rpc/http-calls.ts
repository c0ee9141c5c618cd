import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import { connectStreamBody } from "./connect-stream.ts";
import { isGrpc, parseContentType, type ContentType } from "./content-type.ts";
import { toConnectError, toErrorJson } from "./error-wire.ts";
import { answerGrpcWeb } from "./grpc-web.ts";
import type { HttpHandler, HttpRequest, HttpResponse } from "./http-exchange.ts";
import { IncomingCall } from "./incoming-call.ts";
import type { RpcMethod } from "./method.ts";
import { admit, reportFailure, type RpcServerOptions } from "./rpc-context.ts";
import { parseRpcPath } from "./rpc-path.ts";

/**
 * Calls over plain HTTP: one message as the body (`application/json`, `application/proto`), or Connect's enveloped
 * streams (`application/connect+json`, `application/connect+proto`), or gRPC-Web. Failures are answers with a JSON body, or
 * the trailers of gRPC-Web.
 */
export function createHttpCalls(options: RpcServerOptions): HttpHandler {
  return (request) => {
    try {
      const answer = answerRequest(options, request);
      if (!(answer instanceof Promise)) return answer;
      return answer.catch((reason: unknown) => refuse(options, request, reason));
    } catch (reason) {
      return refuse(options, request, reason);
    }
  };
}

function answerRequest(options: RpcServerOptions, request: HttpRequest): HttpResponse | Promise<HttpResponse> {
  const path = pathOf(request.target);
  const named = path.length <= limits.pathBytesMax ? parseRpcPath(path) : undefined;
  if (named === undefined) return answerOther(options, request);
  if (request.method !== "POST") {
    throw new MicroError("method_not_allowed", `${path} is called with POST, not ${request.method}`);
  }
  const contentType = requireContentType(request);
  requireIdentity(request);
  const { encoding, protocol } = contentType;
  const target = { path, service: named.service, endpoint: named.endpoint, encoding };
  if (protocol === "grpc_web" || protocol === "grpc_web_text") {
    return answerGrpcWeb(options, request, { target, contentType });
  }
  const call = new IncomingCall(request, target);
  if (protocol === "connect_stream") {
    return { status: 200, headers: contentType.headers, body: connectStreamBody(options, request, call) };
  }
  return answerUnary(options, request, { call, contentType });
}

async function answerUnary(
  options: RpcServerOptions,
  request: HttpRequest,
  { call, contentType }: { call: IncomingCall; contentType: ContentType },
): Promise<HttpResponse> {
  const isTimed = call.deadlineMs !== undefined;
  try {
    const admitted = admit(options, call);
    // A promise of a method is waited for; what most calls get is the method.
    const work =
      admitted instanceof Promise
        ? admitted.then((method) => runUnary(method, request, call))
        : runUnary(admitted, request, call);
    const body = await (isTimed ? call.until(work) : work);
    return { status: 200, headers: contentType.headers, body };
  } finally {
    call.finish();
  }
}

function runUnary(method: RpcMethod, request: HttpRequest, call: IncomingCall): Promise<Uint8Array> {
  return request.readBody(limits.messageBytesMax).then((message) => method.unary(message, call));
}

function answerOther(options: RpcServerOptions, request: HttpRequest): HttpResponse | Promise<HttpResponse> {
  if (options.other !== undefined) return options.other(request);
  const path = pathOf(request.target).slice(0, 100);
  throw new MicroError("not_found", `${path} is no path of a call; use /service.Type/Method`);
}

function refuse(options: RpcServerOptions, request: HttpRequest, reason: unknown): HttpResponse {
  const error = MicroError.from(reason);
  reportFailure(options, pathOf(request.target), error);
  const headers = error.code === "method_not_allowed" ? { ...jsonHeaders, allow: "POST" } : jsonHeaders;
  if (request.header("connect-protocol-version") === undefined) {
    return { status: error.httpStatus, headers, body: toErrorJson(error, options.name) };
  }
  const body = new TextEncoder().encode(JSON.stringify(toConnectError(error, options.name)));
  return { status: error.httpStatus, headers, body };
}

const jsonHeaders = Object.freeze({ "content-type": "application/json" });
const json = parseContentType("application/json");

function requireContentType(request: HttpRequest): ContentType {
  const text = request.header("content-type");
  if (text === undefined || text === "") {
    const length = request.header("content-length");
    const isEmpty = length === "0" || (length === undefined && request.header("transfer-encoding") === undefined);
    if (isEmpty && json !== undefined) return json;
    throw new MicroError("unsupported_media_type", `content-type is missing; ${spoken}`);
  }
  const contentType = parseContentType(text);
  if (contentType !== undefined && contentType.protocol !== "grpc") return contentType;
  if (isGrpc(text)) throw new MicroError("unsupported_media_type", "gRPC needs HTTP/2; this request is not");
  throw new MicroError("unsupported_media_type", `content type "${text.slice(0, 100)}" is not spoken here; ${spoken}`);
}

const spoken = "use application/json or application/proto";

function requireIdentity(request: HttpRequest): void {
  const encoding = request.header("content-encoding") ?? request.header("connect-content-encoding");
  if (encoding === undefined || encoding === "identity") return;
  throw new MicroError(
    "unsupported_media_type",
    `compression "${encoding.slice(0, 40)}" is not spoken here; send it plain`,
  );
}

function pathOf(target: string): string {
  const query = target.indexOf("?");
  return query === -1 ? target : target.slice(0, query);
}
