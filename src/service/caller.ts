import type { z } from "zod";
import type { JsonObject } from "#base/json.ts";
import type { Metadata } from "#base/metadata.ts";
import type { MessageType } from "#rpc/method.ts";
import type { Schema } from "./schema-kind.ts";

/** How one call is made. */
export interface CallOptions<Response extends Schema = Schema> {
  /** Checks the body before it is sent, as the service would. */
  readonly request?: Schema;
  /** Checks the answer and gives it its type. */
  readonly response?: Response;
  /** Both types at once, for clients of a .proto; then `request` and `response` are not looked at. */
  readonly types?: { readonly input: MessageType<unknown>; readonly output: MessageType<unknown> };
  /** Sent with the call, over what it would carry anyway. Keys are lower-case. */
  readonly metadata?: Metadata;
  /** @default 60_000 for one answer, none for streams; never beyond the deadline of the call that is being answered */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** What is sent: one message, or many as they come. */
export type CallBody = object | AsyncIterable<object>;

/** One call that gives one answer. */
export interface CallFunction {
  /**
   * @param endpoint `Type.Method`
   * @returns the answer, checked and typed by `options.response`
   * @throws MicroError what the service said, `timeout`, `cancelled`, or `unavailable`
   */
  <Response extends Schema>(
    service: string,
    endpoint: string,
    body: CallBody,
    options: CallOptions<Response> & { readonly response: Response },
  ): Promise<z.output<Response>>;
  /** As above; `T` is what the caller says that the answer is, and nothing checks it. */
  <T = JsonObject>(service: string, endpoint: string, body?: CallBody, options?: CallOptions): Promise<T>;
}

/** One call that gives many answers. */
export interface StreamFunction {
  /** Leaving the loop early cancels the call. @throws MicroError as a call does, from the loop. */
  <Response extends Schema>(
    service: string,
    endpoint: string,
    body: CallBody,
    options: CallOptions<Response> & { readonly response: Response },
  ): AsyncIterable<z.output<Response>>;
  /** As above; `T` is what the caller says that the answers are, and nothing checks it. */
  <T = JsonObject>(service: string, endpoint: string, body?: CallBody, options?: CallOptions): AsyncIterable<T>;
}

/**
 * Calls services by name. `call` gives one answer, `stream` gives many; either sends one message, or many when the body
 * is an async iterable. Together they are the four kinds of methods.
 */
export interface Caller {
  readonly call: CallFunction;
  readonly stream: StreamFunction;
}

/** A caller that acts for itself: a service or a client. What belongs to it is kept under its namespace and name. */
export interface Origin extends Caller {
  readonly namespace: string;
  readonly name: string;
}
