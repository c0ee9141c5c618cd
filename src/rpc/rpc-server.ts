import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { MicroError } from "#base/error.ts";
import { isGrpc } from "./content-type.ts";
import { answerGrpc } from "./grpc-calls.ts";
import { createHttpCalls } from "./http-calls.ts";
import type { HttpHandler } from "./http-exchange.ts";
import { answerHttp2 } from "./http2-request.ts";
import type { RpcServerOptions } from "./rpc-context.ts";
import { admitPages } from "./web-pages.ts";

export type { RpcServerOptions } from "./rpc-context.ts";

/** Answers calls in both encodings; listeners bring them. */
export interface RpcServer {
  /** For HTTP/1.1: unary calls and Connect's streams. */
  readonly handleHttp: HttpHandler;
  /** For HTTP/2: gRPC, and what `handleHttp` does. Never throws. */
  readonly handleStream: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;
}

/** Builds what answers calls; it holds no connection and needs no stop. */
export function createRpcServer(options: RpcServerOptions): RpcServer {
  const calls = createHttpCalls(options);
  const handleHttp = options.pages === undefined ? calls : admitPages(calls, options.pages);
  const answerStream = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> =>
    headers[":method"] === "POST" && isGrpc(headers["content-type"] ?? "")
      ? answerGrpc(options, stream, headers)
      : answerHttp2(handleHttp, stream, headers);
  return {
    handleHttp,
    handleStream: (stream, headers) => {
      // A stream that is reset is told by its "close"; the error says nothing more, but unheard it would end the process.
      stream.on("error", () => undefined);
      answerStream(stream, headers).catch((reason: unknown) => {
        options.logger.error("a stream could not be answered", {
          path: headers[":path"],
          error: MicroError.from(reason),
        });
        if (!stream.destroyed) stream.destroy();
      });
    },
  };
}
