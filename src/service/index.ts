/**
 * Entry point `micro-ts`: declare a service and run it. It is loaded at the start of every service, so what only some
 * services need has an entry point of its own: `micro-ts/proto`, `micro-ts/client`.
 */
export { z } from "zod";
export { service, type Service } from "./service.ts";
export type { ServiceOptions } from "./service-options.ts";
export type {
  BidiStreamDeclaration,
  ClientStreamDeclaration,
  EndpointDeclaration,
  ServerStreamDeclaration,
  UnaryDeclaration,
} from "./declaration.ts";
export type { CallContext } from "./context.ts";
export type { CallBody, Caller, CallOptions, Origin } from "./caller.ts";
export type { InterceptedCall, Interceptor } from "./interceptor.ts";
export type { ReadyCheck } from "./health.ts";
export type { Hook, HookContext, RunningService } from "./running-service.ts";
export { errors, MicroError } from "./errors.ts";
export type { Logger } from "#base/logger.ts";
export type { Metadata } from "#base/metadata.ts";
export type { Account } from "#interface/auth.ts";
