import type { MethodImplementation, MethodKind } from "#rpc/method.ts";
import type { ServerCall } from "#rpc/server-call.ts";
import type { CallContext } from "./context.ts";

/** A call on its way through the interceptors to the handler. */
export interface InterceptedCall {
  readonly context: CallContext;
  readonly kind: MethodKind;
  /** The message, or the async iterable of messages where the caller streams. Already checked. */
  readonly request: unknown;
}

/**
 * Runs around every call of a service: `async (call, next) => { …; return next(call); }`. It may refuse by throwing,
 * change the request, look at the answer: the message, or the async iterable of messages where the service streams.
 */
export type Interceptor = (
  call: InterceptedCall,
  next: (call: InterceptedCall) => Promise<unknown>,
) => Promise<unknown>;

/** A method whose handler gets the context of the framework, with interceptors around it; the first is the outermost. */
export function withContext(
  method: MethodImplementation,
  createContext: (call: ServerCall) => CallContext,
  interceptors: readonly Interceptor[],
): MethodImplementation {
  if (interceptors.length === 0) return withoutInterceptors(method, createContext);
  const { kind, spec } = method;
  const run = interceptors.reduceRight<(call: InterceptedCall) => Promise<unknown>>(
    (next, interceptor) => (call) => interceptor(call, next),
    async (call) => handlerOf(method)(call.request, call.context),
  );
  const one = (request: unknown, call: ServerCall): Promise<unknown> =>
    run({ context: createContext(call), kind, request });
  const many = async function* (request: unknown, call: ServerCall): AsyncGenerator {
    yield* requireIterable(await one(request, call));
  };
  if (kind === "unary" || kind === "client_stream") return { kind, spec, handle: one };
  return { kind, spec, handle: many };
}

function withoutInterceptors(
  method: MethodImplementation,
  createContext: (call: ServerCall) => CallContext,
): MethodImplementation {
  const { kind, spec } = method;
  const handle = handlerOf(method);
  const run = (request: unknown, call: ServerCall): unknown => handle(request, createContext(call));
  // The kinds differ in what they take and give, not in how the context gets in between.
  return { kind, spec, handle: run } as MethodImplementation;
}

/** Any handler as a function of what the caller sends; that the request fits its kind was settled when it was decoded. */
function handlerOf(method: MethodImplementation): (request: unknown, context: CallContext) => unknown {
  return method.handle as (request: unknown, context: CallContext) => unknown;
}

function requireIterable(answer: unknown): AsyncIterable<unknown> {
  if (typeof answer === "object" && answer !== null && Symbol.asyncIterator in answer) {
    return answer as AsyncIterable<unknown>;
  }
  throw new TypeError("an interceptor must return what next() gave, or another async iterable");
}
