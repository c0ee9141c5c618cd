import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import type { Logger } from "#base/logger.ts";
import { answerOpenApi } from "./answer-openapi.ts";
import { CallAnswerer, type CallAnswererDeps } from "./call-answerer.ts";
import type { CorsOptions } from "./cors.ts";
import { errorResponse } from "./error-response.ts";
import { answerFixed, isCallMethod, type ServerState } from "./fixed-routes.ts";
import { GatewayRequest, type RequestHost } from "./gateway-request.ts";
import { openApiPath } from "./openapi.ts";
import { publicBlobsPrefix, type BlobAnswerer } from "./public-blobs.ts";
import type { RequestTrace } from "./request-trace.ts";
import { RouteCache } from "./route-cache.ts";
import { splitUrl, type UrlParts } from "./split-url.ts";

export interface RouterDeps extends Omit<CallAnswererDeps, "onError">, ServerState {
  /** Answers what is asked for below `/blobs/`. Absent: nothing is there. */
  readonly answerBlob?: BlobAnswerer;
  readonly logger: Logger;
}

export interface RouterConfig {
  readonly cors: CorsOptions;
  readonly bodyBytesMax: number;
}

/** A request that was let in, and its address. */
interface Arrival {
  readonly request: Request;
  readonly host: RequestHost;
  readonly url: UrlParts;
  readonly trace: RequestTrace;
}

/** Finds what a request is for: something that the gateway answers itself, or a call. */
export class Router {
  readonly #deps: RouterDeps;
  readonly #config: RouterConfig;
  readonly #calls: CallAnswerer;
  readonly #routes = new RouteCache();

  constructor(deps: RouterDeps, config: RouterConfig) {
    this.#deps = deps;
    this.#config = config;
    this.#calls = new CallAnswerer(
      { ...deps, onError: (url, trace, error) => this.#report(url, trace, error) },
      config,
    );
  }

  /** Undefined where the connection has become a WebSocket. @throws MicroError, and whatever a fault of the gateway throws. */
  answer(
    request: Request,
    host: RequestHost,
    trace: RequestTrace,
  ): Response | undefined | Promise<Response | undefined> {
    const { method } = request;
    const url = splitUrl(request.url);
    const known = this.#routes.known(url.path);
    const own =
      known === undefined || method === "OPTIONS" ? this.#answerOwn({ request, host, url, trace }) : undefined;
    if (own !== undefined) return own;
    if (!isCallMethod(method)) {
      throw new MicroError("method_not_allowed", `${url.path.slice(0, 100)} cannot be called with ${method}`);
    }
    const route = known ?? this.#routes.find(requireShort(url.path));
    if (route === undefined) throw new MicroError("not_found", "service not found");
    const source = new GatewayRequest({ request, host }, trace.headers, this.#config.cors);
    return this.#calls.answer({ source, url, trace }, route);
  }

  /** The answer for what `answer` failed with; it is reported. */
  refuse(request: Request, trace: RequestTrace, reason: unknown): Response {
    // What is no MicroError here is a fault of the gateway; its text is for the log alone.
    const error = MicroError.from(reason, { detail: "the gateway failed; its log has the cause" });
    this.#report(splitUrl(request.url), trace, error);
    return errorResponse(error);
  }

  /** What the gateway answers itself; undefined for calls. */
  #answerOwn({ request, host, url, trace }: Arrival): Response | Promise<Response> | undefined {
    const { answerBlob } = this.#deps;
    if (url.path === openApiPath && request.method === "GET") {
      const source = new GatewayRequest({ request, host }, trace.headers, this.#config.cors);
      const answer = answerOpenApi(this.#deps, source);
      return answer.then((body) => trace.answer(body, "application/json"));
    }
    const isBlob = answerBlob !== undefined && url.path.startsWith(publicBlobsPrefix) && request.method !== "OPTIONS";
    // Before a path is cleaned: a key is text, and may hold what a clean path does not.
    if (!isBlob) return answerFixed(request.method, url, this.#deps);
    const onError = (reason: unknown): void => this.#report(url, trace, MicroError.from(reason));
    const onSize = (sizeBytes: number): void => {
      trace.bytes = sizeBytes;
      trace.isStream = sizeBytes > limits.blobWholeBytesMax;
    };
    return answerBlob({ request, path: url.path, onError, onSize });
  }

  #report({ path }: UrlParts, { id }: RequestTrace, error: MicroError): void {
    const { logger } = this.#deps;
    if (error.code === "internal") logger.error("request failed", { path, request: id, error });
    else logger.debug("request refused", { path, request: id, code: error.code, detail: error.detail });
  }
}

/** @throws MicroError `headers_too_large` for a path that is none of a call. */
function requireShort(path: string): string {
  if (path.length <= limits.pathBytesMax) return path;
  throw new MicroError("headers_too_large", `the path is longer than ${limits.pathBytesMax} bytes`);
}
