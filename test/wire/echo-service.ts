import { create, createFileRegistry, type DescMessage } from "@bufbuild/protobuf";
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FileDescriptorProtoSchema,
} from "@bufbuild/protobuf/wkt";
import { errorCodes, type ErrorCode } from "#base/error-code.ts";
import { MicroError } from "#base/error.ts";
import { delay } from "#base/lifecycle.ts";
import { implement, type MessageType, type ServiceTable } from "#rpc/method.ts";
import { protoMessage } from "#rpc/proto-message.ts";
import type { ServerCall } from "#rpc/server-call.ts";
import { createServiceTable } from "#rpc/service-table.ts";

export interface Note {
  readonly text: string;
  readonly count: number;
}

/**
 * A service with one method of each kind, whose behaviour the caller chooses by the text that it sends. Its descriptor is
 * written by hand, so that clients that read echo.proto check it.
 */
export function createEchoTable(): ServiceTable {
  const note = noteType();
  const log: string[] = [];
  return createServiceTable({
    name: "echo",
    version: "1.0.0",
    methods: [
      implement({ endpoint: "Echo.Say", kind: "unary" as const, input: note, output: note }, (request, call) =>
        say(request, call, log),
      ),
      implement(
        { endpoint: "Echo.Repeat", kind: "server_stream" as const, input: note, output: note },
        (request, call) => repeatNote(request, call, log),
      ),
      implement({ endpoint: "Echo.Join", kind: "client_stream" as const, input: note, output: note }, join),
      implement({ endpoint: "Echo.Chat", kind: "bidi_stream" as const, input: note, output: note }, (requests, call) =>
        chat(requests, call, log),
      ),
      implement(
        {
          endpoint: "Echo.Plain",
          kind: "unary" as const,
          input: withoutBinary(note),
          output: note,
          description: "JSON.",
        },
        (request) => request,
      ),
    ],
  });
}

async function say({ text, count }: Note, call: ServerCall, log: string[]): Promise<Note> {
  const [verb, argument = ""] = text.split(":");
  switch (verb) {
    case "fail":
      throw new MicroError(toCode(argument), "100% grün\nand more");
    case "crash":
      throw new TypeError("undefined is not a grün function");
    case "hang":
      // Ignores the signal on purpose; the server must answer all the same.
      await delay(60_000);
      return { text, count };
    case "wait":
      await untilAborted(call, log, argument);
      return { text, count };
    case "slow":
      await delay(count);
      return { text, count };
    case "pid":
      return { text: String(process.pid), count };
    case "log":
      return { text: log.join(","), count: log.length };
    case "big":
      return { text: "x".repeat(count), count };
    case "metadata":
      return { text: `${call.metadata[argument]}|${call.peer}|${call.path}`, count };
    default:
      return { text, count };
  }
}

async function* repeatNote({ text, count }: Note, call: ServerCall, log: string[]): AsyncGenerator<Note> {
  try {
    for (let index = 0; index < count; index += 1) {
      yield { text, count: index };
      if (text.startsWith("quiet")) await untilAborted(call, log, text);
    }
    const [verb, code] = text.split(":");
    if (verb === "fail") throw new MicroError(code === undefined ? "conflict" : toCode(code), "after the messages");
  } finally {
    if (text.startsWith("left")) log.push(text);
  }
}

async function join(requests: AsyncIterable<Note>): Promise<Note> {
  const texts: string[] = [];
  for await (const { text } of requests) {
    texts.push(text);
    if (text === "enough") break;
  }
  return { text: texts.join(" "), count: texts.length };
}

async function* chat(requests: AsyncIterable<Note>, call: ServerCall, log: string[]): AsyncGenerator<Note> {
  for await (const request of requests) {
    if (request.text === "end") return;
    if (request.text.startsWith("wait")) await untilAborted(call, log, request.text);
    if (request.text === "block") await delay(60_000, call.signal);
    yield request;
  }
}

async function untilAborted(call: ServerCall, log: string[], name: string): Promise<void> {
  log.push(`${name} began`);
  await delay(60_000, call.signal);
  log.push(`${name} ended ${MicroError.from(call.signal.reason).code}`);
}

/** The one message type of the service. */
export function noteType(): MessageType<Note> {
  const file = create(FileDescriptorProtoSchema, {
    name: "echo.proto",
    package: "echo",
    syntax: "proto3",
    messageType: [
      {
        name: "Note",
        field: [
          {
            name: "text",
            number: 1,
            type: FieldDescriptorProto_Type.STRING,
            label: FieldDescriptorProto_Label.OPTIONAL,
            jsonName: "text",
          },
          {
            name: "count",
            number: 2,
            type: FieldDescriptorProto_Type.INT32,
            label: FieldDescriptorProto_Label.OPTIONAL,
            jsonName: "count",
          },
        ],
      },
    ],
  });
  const schema: DescMessage | undefined = createFileRegistry(file, () => undefined).getMessage("echo.Note");
  if (schema === undefined) throw new Error("echo.Note is not described");
  return protoMessage(schema) as unknown as MessageType<Note>;
}

function withoutBinary<T>(type: MessageType<T>): MessageType<T> {
  return {
    name: type.name,
    value: type.value,
    fromJson: (json) => type.fromJson(json),
    toJson: (message) => type.toJson(message),
  };
}

function toCode(text: string): ErrorCode {
  const code = (Object.keys(errorCodes) as ErrorCode[]).find((each) => each === text);
  if (code === undefined) throw new Error(`${text} is no code`);
  return code;
}
