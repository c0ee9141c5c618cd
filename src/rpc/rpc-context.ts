import type { MicroError } from "#base/error.ts";
import type { Logger } from "#base/logger.ts";
import type { HttpHandler } from "./http-exchange.ts";
import type { CallGuard, MethodResolver, RpcMethod } from "./method.ts";
import type { ServerCall } from "./server-call.ts";
import type { WebPages } from "./web-pages.ts";

export interface RpcServerOptions {
  /** Finds what answers a call. */
  readonly resolve: MethodResolver;
  /** Runs before a call is resolved, and before its body is read. Absent: everybody may call. */
  readonly guard?: CallGuard;
  readonly logger: Logger;
  /** What failures name as their origin where they name none. */
  readonly name: string;
  /** Web pages that may call from a browser. Absent: those of the same origin, of which there are none. */
  readonly pages?: WebPages;
  /** Answers HTTP requests that are no calls, such as `GET /health`. Absent: they are answered with 404. */
  readonly other?: HttpHandler;
}

/** Runs the guard, then finds the method; at once where both are synchronous. */
export function admit(options: RpcServerOptions, call: ServerCall): RpcMethod | Promise<RpcMethod> {
  const guarded = options.guard?.(call);
  return guarded === undefined ? options.resolve(call) : guarded.then(() => options.resolve(call));
}

/** Logs a failure that is ours; what callers did wrong is told to them alone. */
export function reportFailure(options: RpcServerOptions, path: string, error: MicroError): void {
  if (error.code === "internal") options.logger.error("call failed", { path, error });
  else options.logger.debug("call refused", { path, code: error.code, detail: error.detail });
}
