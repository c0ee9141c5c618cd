import type { Logger } from "#base/logger.ts";
import { AccessLog, type AccessLogMode } from "./access-log.ts";
import { chooseEncoding } from "./accept-encoding.ts";
import type { Admission } from "./admission.ts";
import { compress, compressedBytesMin } from "./compression.ts";
import { corsHeaders, type CorsOptions } from "./cors.ts";
import { errorResponse } from "./error-response.ts";
import { joinListed } from "#rpc/header-record.ts";
import type { RequestHost } from "./gateway-request.ts";
import type { Answer } from "./listen-gateway.ts";
import { requestIdHeader, RequestIds } from "./request-ids.ts";
import { RequestTrace } from "./request-trace.ts";
import { splitUrl } from "./split-url.ts";
import { watchBody } from "./watch-body.ts";

/** What answers a request that was let in. Undefined where the connection has become a WebSocket; its failures are for `refuse`. */
export type TracedAnswer = (
  request: Request,
  host: RequestHost,
  trace: RequestTrace,
) => Response | undefined | Promise<Response | undefined>;

export interface FrontDeps {
  readonly answer: TracedAnswer;
  /** The answer for what `answer` failed with. */
  readonly refuse: (request: Request, trace: RequestTrace, reason: unknown) => Response;
  readonly admission: Admission;
  readonly logger: Logger;
}

export interface FrontOptions {
  readonly cors: CorsOptions;
  readonly accessLog: AccessLogMode;
}

/** A request that was let in or sent away. */
interface Visit {
  readonly request: Request;
  readonly host: RequestHost;
  readonly trace: RequestTrace;
  /** Who is charged; empty where it does not matter. */
  readonly address: string;
  /** False for a request that was sent away. */
  readonly isAdmitted: boolean;
}

/** What happens to every request before and after it is answered: its name, its admission, and the dress of its answer. */
export class Front {
  readonly #deps: FrontDeps;
  readonly #cors: CorsOptions;
  readonly #log: AccessLog;
  readonly #ids = new RequestIds();
  #isDraining = false;
  #requestCount = 0;

  constructor(deps: FrontDeps, { cors, accessLog }: FrontOptions) {
    this.#deps = deps;
    this.#cors = cors;
    this.#log = new AccessLog(deps.logger, accessLog);
  }

  /** From now on every answer asks its caller to close the connection, so that none is cut that may be used again. */
  drain(): void {
    this.#isDraining = true;
  }

  /** Requests that have come, ever. */
  get requestCount(): number {
    return this.#requestCount;
  }

  readonly answer: Answer = (request, host) => {
    const { admission } = this.#deps;
    this.#requestCount += 1;
    const headers = joinListed(request.headers.toJSON());
    const trace = new RequestTrace(this.#ids.take(headers[requestIdHeader]), headers);
    const address = admission.needsAddress ? (host.requestIP(request)?.address ?? "") : "";
    const refusal = admission.enter(address, trace);
    const visit = { request, host, trace, address, isAdmitted: refusal === undefined };
    if (refusal !== undefined) return this.#finish(visit, errorResponse(refusal));
    const refuse = (reason: unknown): ReturnType<Answer> =>
      this.#finish(visit, this.#deps.refuse(request, trace, reason));
    try {
      const answer = this.#deps.answer(request, host, trace);
      if (!(answer instanceof Promise)) return this.#finish(visit, answer);
      return answer.then((response) => this.#finish(visit, response), refuse);
    } catch (reason) {
      return refuse(reason);
    }
  };

  #finish(visit: Visit, response: Response | undefined): Response | undefined | Promise<Response> {
    if (response === undefined) {
      this.#end(visit, 101, 0);
      return undefined;
    }
    const { trace } = visit;
    this.#dress(trace, response);
    const counted = this.#count(visit, response);
    const { body } = trace;
    if (body === undefined || body.byteLength < compressedBytesMin) return counted;
    // What depends on a header of the request must say so, also where this one had none.
    counted.headers.append("vary", "accept-encoding");
    const encoding = chooseEncoding(trace.headers["accept-encoding"]);
    if (encoding === undefined || visit.request.method === "HEAD") return counted;
    counted.headers.set("content-encoding", encoding);
    const init = { status: counted.status, headers: counted.headers };
    const compressed = compress(new Uint8Array(body), encoding);
    return compressed instanceof Promise
      ? compressed.then((bytes) => new Response(bytes, init))
      : new Response(compressed, init);
  }

  #dress(trace: RequestTrace, response: Response): void {
    const origin = trace.headers["origin"];
    const { retryAfterSeconds, isMarked } = trace;
    const mustClose = this.#isDraining || trace.mustClose;
    // Most answers need nothing; to touch their headers costs more than all the rest here.
    if (isMarked && origin === undefined && retryAfterSeconds === undefined && !mustClose) return;
    const { headers } = response;
    if (!isMarked) headers.set(requestIdHeader, trace.id);
    if (retryAfterSeconds !== undefined) headers.set("retry-after", String(retryAfterSeconds));
    if (mustClose) headers.set("connection", "close");
    if (origin === undefined) return;
    for (const [key, value] of Object.entries(corsHeaders(origin, this.#cors))) headers.set(key, value);
  }

  /** Notes the end of the request: now, or with the last byte of a stream where that matters. */
  #count(visit: Visit, response: Response): Response {
    const { status } = response;
    const { isStream, bytes } = visit.trace;
    if (isStream && (this.#log.isComplete || this.#deps.admission.countsAnswers)) {
      return watchBody(response, (counted) => this.#end(visit, status, counted));
    }
    this.#end(visit, status, bytes);
    return response;
  }

  #end({ request, host, trace, address, isAdmitted }: Visit, status: number, bytes: number | undefined): void {
    if (isAdmitted) this.#deps.admission.leave(address);
    if (!this.#log.wants(status)) return;
    const peer = host.requestIP(request)?.address ?? address;
    this.#log.write({ trace, method: request.method, path: splitUrl(request.url).path, status, bytes, peer });
  }
}
