import { MicroError } from "#base/error.ts";
import type { ServiceDirectory } from "#interface/registry.ts";
import { ForwardingMethod, type ForwardingClient } from "#rpc/forwarding-method.ts";
import { IncomingCall, type CallTarget } from "#rpc/incoming-call.ts";
import type { CallGuard, ServiceTable } from "#rpc/method.ts";
import type { Encoding, ServerCall } from "#rpc/server-call.ts";
import type { Admission } from "./admission.ts";
import { DirectForwarding, type DirectForwardingDeps } from "./direct-forwarding.ts";
import { EdgeCall } from "./edge-call.ts";
import { findTarget, type Target, type TargetDeps } from "./find-target.ts";
import type { GatewayRequest } from "./gateway-request.ts";
import type { LiveStreams } from "./live-streams.ts";
import { ndjsonType, toLines } from "./ndjson-response.ts";
import type { Route } from "./path-table.ts";
import { hasBody, isMultipart, isProto, toRequestMessage } from "./request-message.ts";
import type { RequestTrace } from "./request-trace.ts";
import { SocketCall } from "./socket-call.ts";
import type { UrlParts } from "./split-url.ts";
import { sseType, toEvents, wantsEvents } from "./sse-response.ts";
import { awaitStart } from "./stream-start.ts";
import { readMultipartMessage } from "./multipart-message.ts";
import { findUploadField, toUpload } from "./upload.ts";

export interface CallAnswererDeps {
  readonly directory: ServiceDirectory;
  /** The table of a core service. */
  readonly core: (service: string) => ServiceTable | undefined;
  /** Says who calls and whether he may. */
  readonly guard: CallGuard;
  /** Reaches every other service. */
  readonly client: ForwardingClient;
  /** The short way to services; `selector` is the one of `client`. Absent: all calls go through `client`. */
  readonly direct?: Pick<DirectForwardingDeps, "http" | "grpc" | "selector">;
  readonly admission: Admission;
  readonly streams: LiveStreams;
  /** Hears of a failure that no status can say any more. */
  readonly onError: (url: UrlParts, trace: RequestTrace, error: MicroError) => void;
}

/** A request that is a call. */
export interface CallRequest {
  readonly source: GatewayRequest;
  readonly url: UrlParts;
  readonly trace: RequestTrace;
}

/** A call on its way through. */
interface Exchange extends CallRequest {
  readonly call: ServerCall;
}

/** Answers the requests that are calls. */
export class CallAnswerer {
  readonly #deps: CallAnswererDeps;
  readonly #bodyBytesMax: number;
  readonly #targets: TargetDeps;

  constructor(deps: CallAnswererDeps, config: { readonly bodyBytesMax: number }) {
    this.#deps = deps;
    this.#bodyBytesMax = config.bodyBytesMax;
    const { directory, core, direct } = deps;
    const general = new ForwardingMethod(deps.client, "any");
    const remote = direct === undefined ? general : new DirectForwarding({ ...direct, directory, general });
    this.#targets = { directory, core, remote };
  }

  /** Undefined where the connection has become a WebSocket. @throws MicroError, or fails with one */
  answer(request: CallRequest, route: Route): Promise<Response | undefined> {
    const { source, url, trace } = request;
    const named: CallTarget = { ...route, path: url.path, encoding: encodingOf(source) };
    // In this process nobody else watches over the time; of a WebSocket nobody else says when its caller left.
    if (source.hasTimeout || source.wantsSocket || this.#deps.core(route.service) !== undefined)
      return this.#answerBounded(request, new IncomingCall(source, named));
    const exchange = { source, url, trace, call: new EdgeCall(source, named) };
    const admitted = this.#admit(exchange);
    if (!(admitted instanceof Promise)) return this.#run(exchange, admitted);
    return admitted.then((target) => this.#run(exchange, target));
  }

  async #answerBounded(request: CallRequest, call: IncomingCall): Promise<Response | undefined> {
    const { source, trace } = request;
    const isTimed = call.deadlineMs !== undefined;
    try {
      const target = await this.#admit({ ...request, call });
      if (source.wantsSocket) return this.#openSocket({ ...request, call }, target);
      // A caller who says how long he waits may wait for longer than a connection may be silent.
      if (isTimed) source.keepOpen();
      const work = this.#run({ ...request, call }, target);
      return await (isTimed ? call.until(work) : work);
    } finally {
      call.finish();
      if (isTimed && !trace.isStream) source.restoreTimeout();
    }
  }

  /** What answers a call that may be made; at once where the guard does not have to wait. @throws MicroError */
  #admit({ call, trace }: Exchange): Target | Promise<Target> {
    const guarded = this.#deps.guard(call);
    return guarded === undefined ? this.#charge(call, trace) : guarded.then(() => this.#charge(call, trace));
  }

  #charge(call: ServerCall, trace: RequestTrace): Target {
    trace.account = call.account;
    this.#deps.admission.charge(call.account, trace);
    return findTarget(this.#targets, call);
  }

  async #run(exchange: Exchange, target: Target): Promise<Response> {
    const { source, url, call, trace } = exchange;
    const { method } = source;
    const uploadField = findUploadField(target, method);
    if (uploadField !== undefined) return this.#upload(exchange, target, uploadField);
    requireOneMessage(target, call);
    const contentType = source.header("content-type") ?? "";
    const body = hasBody(method) ? await source.readBody(this.#bodyBytesMax) : noBytes;
    const parts = { method, contentType, query: url.query, body, type: target.requestType };
    const isForm = hasBody(method) && isMultipart(contentType);
    const bytes = isForm ? await readMultipartMessage(parts) : toRequestMessage(parts).bytes;
    if (target.kind !== "unary") return this.#answerMany(exchange, target, bytes);
    const answer = await target.method.unary(bytes, call);
    if (answer.byteLength === 0) return new Response(null, { status: 204 });
    return trace.answer(answer, call.encoding === "json" ? "application/json" : contentType);
  }

  /** The body is one field of the messages of a stream, piece by piece. */
  async #upload(exchange: Exchange, target: Target, field: string): Promise<Response> {
    const { source, url, call, trace } = exchange;
    // What is sent on is JSON, whatever the body is.
    const { service, endpoint, path } = call;
    const upload = new IncomingCall(source, { service, endpoint, path, encoding: "json" });
    upload.account = call.account;
    upload.namespace = call.namespace;
    try {
      source.keepOpen();
      const messages = toUpload({ source, query: url.query, type: target.requestType, field });
      for await (const answer of target.method.stream(messages, upload))
        return trace.answer(answer, "application/json");
      throw new MicroError("bad_gateway", `${endpoint} ended without an answer`, { at: service });
    } catch (reason) {
      const error = MicroError.from(reason);
      upload.abort(error);
      // What is left of the body is not worth reading.
      trace.mustClose = true;
      throw error;
    } finally {
      upload.finish();
      source.restoreTimeout();
    }
  }

  async #answerMany(exchange: Exchange, target: Target, message: Uint8Array): Promise<Response> {
    const { source, url, call, trace } = exchange;
    // A stream may be silent for as long as nothing happens.
    source.keepOpen();
    const answers = this.#deps.streams.follow(target.method.stream(once(message), call)[Symbol.asyncIterator](), () =>
      source.restoreTimeout(),
    );
    const start = await awaitStart(answers);
    const asEvents = wantsEvents(source.header("accept"));
    const onError = (error: MicroError): void => this.#deps.onError(url, trace, error);
    const body = (asEvents ? toEvents : toLines)(answers, start, onError);
    trace.isStream = true;
    const type = asEvents ? sseType : ndjsonType;
    return new Response(body, { headers: { "content-type": type, "cache-control": "no-store" } });
  }

  /** @throws MicroError `invalid_argument` for an endpoint that is no stream, or a request that cannot be one. */
  #openSocket({ source, url, call, trace }: Exchange & { readonly call: IncomingCall }, target: Target): undefined {
    const { method, kind, requestType: type } = target;
    if (kind === "unary") {
      throw new MicroError("invalid_argument", `${call.endpoint} is no stream; call it without a WebSocket`);
    }
    const asQuery = { method: "GET", contentType: "", query: url.query, body: noBytes, type };
    const first = url.query === "" ? undefined : toRequestMessage(asQuery).bytes;
    const onError = (error: MicroError): void => this.#deps.onError(url, trace, error);
    source.openSocket(new SocketCall({ method, call, first, onError }), trace.id);
  }
}

const noBytes = new Uint8Array(0);

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
  return isProto(source.header("content-type") ?? "") ? "proto" : "json";
}

async function* once(message: Uint8Array): AsyncGenerator<Uint8Array> {
  yield message;
}
