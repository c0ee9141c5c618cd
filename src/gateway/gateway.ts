import { limits } from "#base/limits.ts";
import type { HttpListener } from "#rpc/http-exchange.ts";
import type { AccessLogMode } from "./access-log.ts";
import { Admission, type AdmissionOptions } from "./admission.ts";
import type { CorsOptions } from "./cors.ts";
import { Front } from "./front.ts";
import { listenGateway, type Answer, type ListenGatewayOptions } from "./listen-gateway.ts";
import { LiveStreams } from "./live-streams.ts";
import { Readiness } from "./readiness.ts";
import { Router, type RouterDeps } from "./router.ts";

export interface GatewayDeps extends Omit<RouterDeps, "admission" | "streams" | "unreadyReasons"> {
  /** What `/ready` says. @default always ready, until the gateway stops */
  readonly readiness?: Readiness;
}

export interface GatewayOptions {
  readonly cors?: CorsOptions;
  /** @default limits.messageBytesMax */
  readonly bodyBytesMax?: number;
  /** @default "errors": nothing on the way of a request that succeeds, and a line for what an operator has to look at */
  readonly accessLog?: AccessLogMode;
  /** @default no limit for one caller: behind a reverse proxy all callers have one address */
  readonly admission?: AdmissionOptions;
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
  const { cors = {}, accessLog = "errors", admission: admissionOptions = {} } = options;
  const readiness = deps.readiness ?? new Readiness();
  const admission = new Admission(admissionOptions);
  const streams = new LiveStreams();
  const router = new Router(
    { ...deps, admission, streams, unreadyReasons: () => readiness.reasons },
    { cors, bodyBytesMax: options.bodyBytesMax ?? limits.messageBytesMax },
  );
  const front = new Front(
    {
      answer: (request, host, trace) => router.answer(request, host, trace),
      refuse: (request, trace, reason) => router.refuse(request, trace, reason),
      admission,
      logger: deps.logger,
    },
    { cors, accessLog },
  );
  const drain = (): void => {
    readiness.hold("the server stops");
    front.drain();
    streams.end();
  };
  return {
    answer: front.answer,
    listen: (address, listen) =>
      listenGateway({ address, answer: front.answer, drain, requestCount: () => front.requestCount }, listen),
  };
}
