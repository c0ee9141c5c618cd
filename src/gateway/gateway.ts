import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import type { Logger } from "#base/logger.ts";
import type { ServiceDirectory } from "#interface/registry.ts";
import { ForwardingMethod, type ForwardingClient } from "#rpc/forwarding-method.ts";
import type { HttpListener } from "#rpc/http-exchange.ts";
import { IncomingCall } from "#rpc/incoming-call.ts";
import type { CallGuard, ServiceTable } from "#rpc/method.ts";
import type { Encoding } from "#rpc/server-call.ts";
import { corsHeaders, type CorsOptions } from "./cors.ts";
import { errorResponse } from "./error-response.ts";
import { findTarget, type Target, type TargetDeps } from "./find-target.ts";
import { answerFixed, isCallMethod } from "./fixed-routes.ts";
import { GatewayRequest, type RequestHost } from "./gateway-request.ts";
import { listenGateway, type ListenGatewayOptions } from "./listen-gateway.ts";
import { ndjsonType, toLines } from "./ndjson-response.ts";
import { resolvePath } from "./path-table.ts";
import { hasBody, toBodyKind, toRequestMessage } from "./request-message.ts";
import { splitUrl, type UrlParts } from "./split-url.ts";

export interface GatewayDeps {
  readonly directory: ServiceDirectory;
  /** The table of a core service. */
  readonly core: (service: string) => ServiceTable | undefined;
  /** Says who calls and whether he may. */
  readonly guard: CallGuard;
  /** Reaches every other service. */
  readonly client: ForwardingClient;
  readonly logger: Logger;
  /** What `/` answers. */
  readonly version: string;
}

export interface GatewayOptions {
  readonly cors?: CorsOptions;
  /** @default limits.messageBytesMax */
  readonly bodyBytesMax?: number;
}

/** HTTP with JSON (or protobuf) in front of every service, by path: `/helloworld/Call`. */
export interface Gateway {
  /** One request; never throws. */
  answer(request: Request, host: RequestHost): Response | Promise<Response>;
  /** @throws MicroError `conflict` when the address is in use, and what else keeps a program from listening. */
  listen(address: string, options?: ListenGatewayOptions): Promise<HttpListener>;
}

/** Builds the gateway; it holds no connection until it listens. */
export function createGateway(deps: GatewayDeps, options: GatewayOptions = {}): Gateway {
  const gateway = new HttpGateway(deps, {
    cors: options.cors ?? {},
    bodyBytesMax: options.bodyBytesMax ?? limits.messageBytesMax,
  });
  return {
    answer: (request, host) => gateway.answer(request, host),
    listen: (address, listen) =>
      Promise.resolve(listenGateway({ address, answer: (request, host) => gateway.answer(request, host) }, listen)),
  };
}

/** A request on its way through: what it is, and where it goes. */
interface Exchange {
  readonly request: Request;
  readonly source: GatewayRequest;
  readonly host: RequestHost;
  readonly url: UrlParts;
  readonly call: IncomingCall;
}

class HttpGateway {
  readonly #deps: GatewayDeps;
  readonly #config: Required<GatewayOptions>;
  readonly #targets: TargetDeps;

  constructor(deps: GatewayDeps, config: Required<GatewayOptions>) {
    this.#deps = deps;
    this.#config = config;
    this.#targets = { directory: deps.directory, core: deps.core, remote: new ForwardingMethod(deps.client, "any") };
  }

  answer(request: Request, host: RequestHost): Response | Promise<Response> {
    const origin = request.headers.get("origin");
    let answer: Response | Promise<Response>;
    try {
      answer = this.#answer(request, host);
    } catch (reason) {
      answer = this.#refuse(request, reason);
    }
    if (answer instanceof Promise) answer = answer.catch((reason: unknown) => this.#refuse(request, reason));
    if (origin === null) return answer;
    return answer instanceof Promise
      ? answer.then((response) => this.#withCors(response, origin))
      : this.#withCors(answer, origin);
  }

  #answer(request: Request, host: RequestHost): Response | Promise<Response> {
    const { method } = request;
    const url = splitUrl(request.url);
    const fixed = answerFixed({ method, ...url }, this.#deps.version);
    if (fixed !== undefined) return fixed;
    if (!isCallMethod(method)) {
      throw new MicroError("method_not_allowed", `${url.path.slice(0, 100)} cannot be called with ${method}`);
    }
    const route = resolvePath(url.path);
    if (route === undefined) throw new MicroError("not_found", "service not found");
    const source = new GatewayRequest(request, host, this.#config.cors);
    const call = new IncomingCall(source, { ...route, path: url.path, encoding: encodingOf(source, method) });
    return this.#answerCall({ request, source, host, url, call });
  }

  async #answerCall(exchange: Exchange): Promise<Response> {
    const { call, request } = exchange;
    try {
      const guarded = this.#deps.guard(call);
      if (guarded !== undefined) await guarded;
      const target = findTarget(this.#targets, call);
      const body = hasBody(request.method) ? await exchange.source.readBody(this.#config.bodyBytesMax) : noBytes;
      const contentType = exchange.source.header("content-type") ?? "";
      const type = target.requestType;
      const { bytes } = toRequestMessage({
        method: request.method,
        contentType,
        query: exchange.url.query,
        body,
        type,
      });
      return await this.#run(exchange, target, bytes);
    } finally {
      call.finish();
    }
  }

  #run(exchange: Exchange, target: Target, message: Uint8Array): Promise<Response> {
    if (target.kind === "unary") return answerOne(exchange, target, message);
    if (target.kind === "server_stream" || target.kind === "stream") return this.#answerMany(exchange, target, message);
    const { endpoint, service } = exchange.call;
    throw new MicroError(
      "invalid_argument",
      `${endpoint} takes a stream of messages; call it over gRPC or with micro stream`,
      {
        at: service,
      },
    );
  }

  async #answerMany(exchange: Exchange, target: Target, message: Uint8Array): Promise<Response> {
    const { call, host, request } = exchange;
    if (call.encoding === "proto") {
      throw new MicroError(
        "unsupported_media_type",
        `${call.endpoint} streams, which over plain HTTP works with JSON only`,
      );
    }
    // A stream may be silent for as long as nothing happens.
    host.timeout(request, 0);
    const answers = target.method.stream(once(message), call)[Symbol.asyncIterator]();
    // The first message tells whether the call works at all, so a failure before it still has its status.
    const first = await answers.next();
    const lines = toLines(answers, first, (error) => this.#report(request, error));
    return new Response(lines, { headers: { "content-type": ndjsonType, "cache-control": "no-store" } });
  }

  #refuse(request: Request, reason: unknown): Response {
    if (MicroError.is(reason)) {
      this.#report(request, reason);
      return errorResponse(reason);
    }
    // What is no MicroError here is a fault of the gateway; its text is for the log alone.
    const error = MicroError.from(reason, { detail: "the gateway failed; its log has the cause" });
    this.#report(request, error);
    return errorResponse(error);
  }

  #report(request: Request, error: MicroError): void {
    const { path } = splitUrl(request.url);
    if (error.code === "internal") this.#deps.logger.error("request failed", { path, error });
    else this.#deps.logger.debug("request refused", { path, code: error.code, detail: error.detail });
  }

  #withCors(response: Response, origin: string): Response {
    const headers = corsHeaders(origin, this.#config.cors);
    for (const key in headers) response.headers.set(key, headers[key] ?? "");
    return response;
  }
}

const noBytes = new Uint8Array(0);
const jsonHeaders = Object.freeze({ "content-type": "application/json" });

async function answerOne({ call, source }: Exchange, target: Target, message: Uint8Array): Promise<Response> {
  const work = target.method.unary(message, call);
  const body = await (call.deadlineMs === undefined ? work : call.until(work));
  if (body.byteLength === 0) return new Response(null, { status: 204 });
  const headers = call.encoding === "json" ? jsonHeaders : { "content-type": source.header("content-type") ?? "" };
  return new Response(body, { headers });
}

function encodingOf(source: GatewayRequest, method: string): Encoding {
  if (!hasBody(method)) return "json";
  return toBodyKind(source.header("content-type") ?? "") === "proto" ? "proto" : "json";
}

async function* once(message: Uint8Array): AsyncGenerator<Uint8Array> {
  yield message;
}
