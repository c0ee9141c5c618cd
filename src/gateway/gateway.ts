import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import type { Logger } from "#base/logger.ts";
import type { ServiceDirectory } from "#interface/registry.ts";
import { ForwardingMethod, type ForwardingClient } from "#rpc/forwarding-method.ts";
import type { HttpListener } from "#rpc/http-exchange.ts";
import { IncomingCall, type CallTarget } from "#rpc/incoming-call.ts";
import type { CallGuard, ServiceTable } from "#rpc/method.ts";
import type { Encoding, ServerCall } from "#rpc/server-call.ts";
import { answerOpenApi } from "./answer-openapi.ts";
import { corsHeaders, type CorsOptions } from "./cors.ts";
import { DirectForwarding, type DirectForwardingDeps } from "./direct-forwarding.ts";
import { EdgeCall } from "./edge-call.ts";
import { errorResponse } from "./error-response.ts";
import { findTarget, type Target, type TargetDeps } from "./find-target.ts";
import { answerFixed, isCallMethod } from "./fixed-routes.ts";
import { GatewayRequest, type RequestHost } from "./gateway-request.ts";
import { listenGateway, type Answer, type ListenGatewayOptions } from "./listen-gateway.ts";
import { ndjsonType, toLines } from "./ndjson-response.ts";
import { openApiPath } from "./openapi.ts";
import type { Route } from "./path-table.ts";
import { answerPublicBlob, publicBlobsPrefix, type PublicBlobs } from "./public-blobs.ts";
import { hasBody, toBodyKind, toRequestMessage } from "./request-message.ts";
import { RouteCache } from "./route-cache.ts";
import { SocketCall } from "./socket-call.ts";
import { splitUrl, type UrlParts } from "./split-url.ts";
import { sseType, toEvents, wantsEvents } from "./sse-response.ts";
import { awaitStart } from "./stream-start.ts";

export interface GatewayDeps {
  readonly directory: ServiceDirectory;
  /** The table of a core service. */
  readonly core: (service: string) => ServiceTable | undefined;
  /** Says who calls and whether he may. */
  readonly guard: CallGuard;
  /** Reaches every other service. */
  readonly client: ForwardingClient;
  /** The short way to TypeScript services; `selector` is the one of `client`. Absent: all calls go through `client`. */
  readonly direct?: Pick<DirectForwardingDeps, "http" | "selector">;
  /** Serves those of them that are public, below `/blobs/`. Absent: there are none. */
  readonly publicBlobs?: PublicBlobs;
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
  /** One request; never throws. Undefined where the connection has become a WebSocket. */
  readonly answer: Answer;
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
  readonly source: GatewayRequest;
  readonly url: UrlParts;
  readonly call: ServerCall;
}

class HttpGateway {
  readonly #deps: GatewayDeps;
  readonly #config: Required<GatewayOptions>;
  readonly #targets: TargetDeps;
  readonly #routes = new RouteCache();

  constructor(deps: GatewayDeps, config: Required<GatewayOptions>) {
    this.#deps = deps;
    this.#config = config;
    const { directory, core, direct } = deps;
    const general = new ForwardingMethod(deps.client, "any");
    const remote = direct === undefined ? general : new DirectForwarding({ ...direct, directory, general });
    this.#targets = { directory, core, remote };
  }

  answer(request: Request, host: RequestHost): ReturnType<Answer> {
    const origin = request.headers.get("origin");
    const answer = this.#answer(request, host);
    if (origin === null) return answer;
    return answer instanceof Promise
      ? answer.then((response) => this.#withCors(response, origin))
      : this.#withCors(answer, origin);
  }

  #answer(request: Request, host: RequestHost): ReturnType<Answer> {
    const { method } = request;
    const url = splitUrl(request.url);
    try {
      const known = this.#routes.known(url.path);
      const own = known === undefined || method === "OPTIONS" ? this.#answerOwn(request, host, url) : undefined;
      if (own !== undefined) return own;
      if (!isCallMethod(method)) {
        throw new MicroError("method_not_allowed", `${url.path.slice(0, 100)} cannot be called with ${method}`);
      }
      const route = known ?? this.#routes.find(url.path);
      if (route === undefined) throw new MicroError("not_found", "service not found");
      return this.#answerCall({ request, host, url, route });
    } catch (reason) {
      return this.#refuse(url, reason);
    }
  }

  /** What the gateway answers itself; undefined for calls. */
  #answerOwn(request: Request, host: RequestHost, url: UrlParts): Response | Promise<Response> | undefined {
    const { publicBlobs, version } = this.#deps;
    if (url.path === openApiPath && request.method === "GET") {
      const source = new GatewayRequest(request, host, this.#config.cors);
      return answerOpenApi(this.#deps, source).catch((reason: unknown) => this.#refuse(url, reason));
    }
    const isBlob = publicBlobs !== undefined && url.path.startsWith(publicBlobsPrefix) && request.method !== "OPTIONS";
    // Before a path is cleaned: a key is text, and may hold what a clean path does not.
    if (!isBlob) return answerFixed(request.method, url, version);
    const onError = (reason: unknown): void => this.#report(url, MicroError.from(reason));
    const answer = answerPublicBlob({ blobs: publicBlobs, onError }, request, url.path);
    return answer.catch((reason: unknown) => this.#refuse(url, reason));
  }

  async #answerCall(given: {
    request: Request;
    host: RequestHost;
    url: UrlParts;
    route: Route;
  }): Promise<Response | undefined> {
    const { url, route } = given;
    let bounded: IncomingCall | undefined;
    try {
      const source = new GatewayRequest(given.request, given.host, this.#config.cors);
      const named: CallTarget = { ...route, path: url.path, encoding: encodingOf(source) };
      // In this process nobody else watches over the time; of a WebSocket nobody else says when its caller left.
      if (source.hasTimeout || source.wantsSocket || this.#deps.core(route.service) !== undefined)
        bounded = new IncomingCall(source, named);
      const call = bounded ?? new EdgeCall(source, named);
      const guarded = this.#deps.guard(call);
      if (guarded !== undefined) await guarded;
      const target = findTarget(this.#targets, call);
      if (source.wantsSocket && bounded !== undefined) return this.#openSocket({ source, url, call: bounded }, target);
      const work = this.#run({ source, url, call }, target);
      return await (bounded?.deadlineMs === undefined ? work : bounded.until(work));
    } catch (reason) {
      return this.#refuse(url, reason);
    } finally {
      bounded?.finish();
    }
  }

  async #run(exchange: Exchange, target: Target): Promise<Response> {
    const { source, url, call } = exchange;
    requireOneMessage(target, call);
    const { method } = source;
    const body = hasBody(method) ? await source.readBody(this.#config.bodyBytesMax) : noBytes;
    const contentType = source.header("content-type") ?? "";
    const { bytes } = toRequestMessage({ method, contentType, query: url.query, body, type: target.requestType });
    if (target.kind !== "unary") return this.#answerMany(exchange, target, bytes);
    const answer = await target.method.unary(bytes, call);
    if (answer.byteLength === 0) return new Response(null, { status: 204 });
    return new Response(answer, { headers: call.encoding === "json" ? jsonHeaders : { "content-type": contentType } });
  }

  async #answerMany({ source, url, call }: Exchange, target: Target, message: Uint8Array): Promise<Response> {
    // A stream may be silent for as long as nothing happens.
    source.keepOpen();
    const answers = target.method.stream(once(message), call)[Symbol.asyncIterator]();
    const start = await awaitStart(answers);
    const asEvents = wantsEvents(source.header("accept"));
    const body = (asEvents ? toEvents : toLines)(answers, start, (error) => this.#report(url, error));
    const type = asEvents ? sseType : ndjsonType;
    return new Response(body, { headers: { "content-type": type, "cache-control": "no-store" } });
  }

  /** @throws MicroError `invalid_argument` for an endpoint that is no stream, or a request that cannot be one. */
  #openSocket({ source, url, call }: Exchange & { readonly call: IncomingCall }, target: Target): undefined {
    const { method, kind, requestType: type } = target;
    if (kind === "unary") {
      throw new MicroError("invalid_argument", `${call.endpoint} is no stream; call it without a WebSocket`);
    }
    const asQuery = { method: "GET", contentType: "", query: url.query, body: noBytes, type };
    const first = url.query === "" ? undefined : toRequestMessage(asQuery).bytes;
    source.openSocket(new SocketCall({ method, call, first, onError: (error) => this.#report(url, error) }));
  }

  #refuse(url: UrlParts, reason: unknown): Response {
    // What is no MicroError here is a fault of the gateway; its text is for the log alone.
    const error = MicroError.from(reason, { detail: "the gateway failed; its log has the cause" });
    this.#report(url, error);
    return errorResponse(error);
  }

  #report({ path }: UrlParts, error: MicroError): void {
    if (error.code === "internal") this.#deps.logger.error("request failed", { path, error });
    else this.#deps.logger.debug("request refused", { path, code: error.code, detail: error.detail });
  }

  #withCors(response: Response | undefined, origin: string): Response | undefined {
    if (response === undefined) return undefined;
    const headers = corsHeaders(origin, this.#config.cors);
    for (const key in headers) response.headers.set(key, headers[key] ?? "");
    return response;
  }
}

const noBytes = new Uint8Array(0);
const jsonHeaders = Object.freeze({ "content-type": "application/json" });

/** @throws MicroError `invalid_argument` or `unsupported_media_type` for what one request and its answer cannot carry. */
function requireOneMessage({ kind }: Target, { endpoint, service, encoding }: ServerCall): void {
  if (kind === "unary") return;
  if (kind === "client_stream" || kind === "bidi_stream") {
    const detail = `${endpoint} takes a stream of messages; call it over a WebSocket, gRPC, or with micro stream`;
    throw new MicroError("invalid_argument", detail, { at: service });
  }
  if (encoding === "json") return;
  throw new MicroError("unsupported_media_type", `${endpoint} streams, which over plain HTTP works with JSON only`);
}

function encodingOf(source: GatewayRequest): Encoding {
  if (!hasBody(source.method)) return "json";
  return toBodyKind(source.header("content-type") ?? "") === "proto" ? "proto" : "json";
}

async function* once(message: Uint8Array): AsyncGenerator<Uint8Array> {
  yield message;
}
