import type { z } from "zod";
import { MicroError } from "#base/error.ts";
import type { JsonObject, JsonValue } from "#base/json.ts";
import { limits } from "#base/limits.ts";
import type { Metadata } from "#base/metadata.ts";
import { decodeMessage, encodeMessage } from "#rpc/message-codec.ts";
import type { MessageType } from "#rpc/method.ts";
import type { OutgoingCall } from "#rpc/transport.ts";
import type { CallBody, Caller, CallOptions } from "./caller.ts";
import type { Schema } from "./schema-kind.ts";

/** Sends bytes to services by name. */
export interface CallSender {
  unary(call: OutgoingCall, message: Uint8Array): Promise<Uint8Array>;
  stream(call: OutgoingCall, messages: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
}

/** What every call of a caller has in common. */
export interface CallScope {
  /** Headers of every call; keys lower-case. */
  readonly metadata: Metadata;
  /** The token to call with where `metadata` holds no `authorization`. */
  readonly token: () => Promise<string | undefined>;
  /** Told that the token was refused. */
  readonly refuseToken: (token: string) => void;
  /** Milliseconds since the epoch: no call lasts longer. */
  readonly deadlineMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

interface MessageTypes {
  readonly input: MessageType<unknown>;
  readonly output: MessageType<unknown>;
}

/** Message types of the schemas that calls name, made once each. */
export type SchemaTypes = Map<Schema, MessageType<unknown>>;

/** Builds a caller. @param schemaTypes shared by the callers of one client */
export function createCaller(sender: CallSender, scope: CallScope, schemaTypes: SchemaTypes): Caller {
  function call<Response extends Schema>(
    service: string,
    endpoint: string,
    body: CallBody,
    options: CallOptions<Response> & { readonly response: Response },
  ): Promise<z.output<Response>>;
  function call<T = JsonObject>(service: string, endpoint: string, body?: CallBody, options?: CallOptions): Promise<T>;
  async function call(
    service: string,
    endpoint: string,
    body: CallBody = {},
    options: CallOptions = {},
  ): Promise<unknown> {
    const types = await typesOf(options, schemaTypes);
    const target = { service, endpoint, types, defaultTimeoutMs: limits.requestTimeoutMs };
    if (isAsyncIterable(body)) return only(send(target, body, options), target);
    const outgoing = await prepare(target, options);
    try {
      const message = encodeRequest(types.input, body, outgoing.encoding);
      return decodeAnswer(types.output, await sender.unary(outgoing, message), outgoing);
    } catch (reason) {
      throw noticeRefusal(outgoing, reason);
    }
  }

  function stream<Response extends Schema>(
    service: string,
    endpoint: string,
    body: CallBody,
    options: CallOptions<Response> & { readonly response: Response },
  ): AsyncIterable<z.output<Response>>;
  function stream<T = JsonObject>(
    service: string,
    endpoint: string,
    body?: CallBody,
    options?: CallOptions,
  ): AsyncIterable<T>;
  async function* stream(
    service: string,
    endpoint: string,
    body: CallBody = {},
    options: CallOptions = {},
  ): AsyncGenerator {
    const target = { service, endpoint, types: await typesOf(options, schemaTypes) };
    yield* send(target, isAsyncIterable(body) ? body : once(body), options);
  }

  async function* send(target: Target, messages: AsyncIterable<object>, options: CallOptions): AsyncGenerator {
    const outgoing = await prepare(target, options);
    try {
      const encoded = encodeAll(target.types.input, messages, outgoing.encoding);
      for await (const each of sender.stream(outgoing, encoded)) {
        yield decodeAnswer(target.types.output, each, outgoing);
      }
    } catch (reason) {
      throw noticeRefusal(outgoing, reason);
    }
  }

  async function prepare(target: Target, options: CallOptions): Promise<OutgoingCall> {
    const metadata: Record<string, string> = { ...scope.metadata, ...options.metadata };
    if (metadata["authorization"] === undefined) {
      const token = await scope.token();
      if (token !== undefined) metadata["authorization"] = `Bearer ${token}`;
    }
    const deadlineMs = earliest(scope.deadlineMs, options.timeoutMs ?? target.defaultTimeoutMs);
    const signal = joinSignals(scope.signal, options.signal);
    const isBinary = target.types.input.binary !== undefined && target.types.output.binary !== undefined;
    return {
      service: target.service,
      endpoint: target.endpoint,
      encoding: isBinary ? "proto" : "json",
      metadata,
      ...(deadlineMs === undefined ? {} : { deadlineMs }),
      ...(signal === undefined ? {} : { signal }),
    };
  }

  /** A token that was refused is not used again, when it is ours and not one that a caller gave. */
  function noticeRefusal(outgoing: OutgoingCall, reason: unknown): unknown {
    const header = outgoing.metadata["authorization"];
    if (MicroError.is(reason) && reason.code === "unauthenticated" && header !== undefined) {
      scope.refuseToken(header.slice("Bearer ".length));
    }
    return reason;
  }

  return { call, stream };
}

interface Target {
  readonly service: string;
  readonly endpoint: string;
  readonly types: MessageTypes;
  readonly defaultTimeoutMs?: number;
}

/** JSON as it is, for calls whose caller names no types. */
const untyped: MessageType<unknown> = {
  name: "any",
  value: { name: "any", type: "any", values: [] },
  fromJson: (json) => json,
  // What is not JSON is left out when it is written.
  toJson: (message) => message as JsonValue,
};

async function typesOf(options: CallOptions, schemaTypes: SchemaTypes): Promise<MessageTypes> {
  const { types, request, response } = options;
  if (types !== undefined) return types;
  return {
    input: request === undefined ? untyped : await schemaType(request, "input", schemaTypes),
    output: response === undefined ? untyped : await schemaType(response, "output", schemaTypes),
  };
}

async function schemaType(
  schema: Schema,
  side: "input" | "output",
  schemaTypes: SchemaTypes,
): Promise<MessageType<unknown>> {
  const known = schemaTypes.get(schema);
  if (known !== undefined) return known;
  // Loaded here because it brings zod with it, which clients without schemas can do without.
  const { createSchemaMessage } = await import("./schema-message.ts");
  const type = createSchemaMessage(schema, side === "input" ? "Request" : "Response", side);
  schemaTypes.set(schema, type);
  return type;
}

/** @throws MicroError `invalid_argument`: here it is the caller who built the message wrongly. */
function encodeRequest(type: MessageType<unknown>, body: unknown, encoding: OutgoingCall["encoding"]): Uint8Array {
  try {
    return encodeMessage(type, body, encoding);
  } catch (reason) {
    const error = MicroError.from(reason);
    throw new MicroError("invalid_argument", `the request was not sent: ${error.detail}`, { cause: reason });
  }
}

async function* encodeAll(
  type: MessageType<unknown>,
  messages: AsyncIterable<object>,
  encoding: OutgoingCall["encoding"],
): AsyncGenerator<Uint8Array> {
  for await (const each of messages) yield encodeRequest(type, each, encoding);
}

/** @throws MicroError `bad_gateway` for an answer that is not of the type that was asked for. */
function decodeAnswer(type: MessageType<unknown>, bytes: Uint8Array, call: OutgoingCall): unknown {
  try {
    return decodeMessage(type, bytes, call.encoding);
  } catch (reason) {
    const error = MicroError.from(reason);
    const detail = `${call.service} ${call.endpoint} gave an answer that is not as expected: ${error.detail}`;
    throw new MicroError("bad_gateway", detail, { cause: reason });
  }
}

async function only(answers: AsyncIterable<unknown>, target: Target): Promise<unknown> {
  for await (const answer of answers) return answer;
  throw new MicroError("bad_gateway", `${target.service} ${target.endpoint} ended without an answer`);
}

async function* once<T>(message: T): AsyncGenerator<T> {
  yield message;
}

function isAsyncIterable(body: CallBody): body is AsyncIterable<object> {
  return Symbol.asyncIterator in body;
}

function earliest(deadlineMs: number | undefined, timeoutMs: number | undefined): number | undefined {
  if (timeoutMs === undefined) return deadlineMs;
  return Math.min(deadlineMs ?? Number.POSITIVE_INFINITY, Date.now() + timeoutMs);
}

function joinSignals(first: AbortSignal | undefined, second: AbortSignal | undefined): AbortSignal | undefined {
  if (first === undefined || second === undefined) return first ?? second;
  return AbortSignal.any([first, second]);
}
