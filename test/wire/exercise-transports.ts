import { MicroError } from "#base/error.ts";
import { createHttpClient } from "#platform/http-client.ts";
import { GrpcTransport } from "#rpc/grpc-transport.ts";
import { HttpTransport } from "#rpc/http-transport.ts";
import { decodeMessage, encodeMessage } from "#rpc/message-codec.ts";
import type { Encoding } from "#rpc/server-call.ts";
import type { OutgoingCall, Transport } from "#rpc/transport.ts";
import { noteType, type Note } from "./echo-service.ts";
import { collect, failureOf } from "./outcome.ts";

/** What each check gave, by its name. */
export type Findings = Record<string, unknown>;

/** Every kind of call over both transports and both kinds of address, in both encodings. */
export async function exerciseTransports(addresses: {
  readonly rpc: string;
  readonly rpcUnix: string;
  readonly http: string;
  readonly httpUnix: string;
}): Promise<Findings> {
  const grpc = new GrpcTransport();
  const http = new HttpTransport({ http: createHttpClient() });
  const findings: Findings = {};
  const routes = [
    ["grpc tcp", grpc, addresses.rpc],
    ["grpc unix", grpc, addresses.rpcUnix],
    ["http tcp", http, addresses.http],
    ["http unix", http, addresses.httpUnix],
    ["http shared port", http, addresses.rpc],
    ["http shared socket", http, addresses.rpcUnix],
  ] as const;
  for (const [name, transport, address] of routes) {
    for (const encoding of ["json", "proto"] as const) {
      findings[`${name} ${encoding}`] = await exercise({ transport, address, encoding });
    }
  }
  await grpc.close();
  await http.close();
  return findings;
}

/** What every route finds. */
export const expectedFindings = {
  unary: "hello",
  big: 3_000_000,
  serverStream: [0, 1, 2],
  clientStream: "a b c",
  failure: ["conflict", 409, "100% grün\nand more"],
  streamFailure: ["conflict", "after the messages"],
  unknownMethod: "unimplemented",
  deadline: ["timeout", "context deadline exceeded"],
  streamDeadline: ["timeout", "context deadline exceeded"],
  cancelled: "cancelled",
  left: [0],
  leftWaiting: true,
};

interface Route {
  readonly transport: Transport;
  readonly address: string;
  readonly encoding: Encoding;
}

async function exercise(route: Route): Promise<Findings> {
  const unary = async (text: string, count = 0, rest: Partial<OutgoingCall> = {}): Promise<Note> =>
    read(
      route,
      await route.transport.unary(route.address, outgoing(route, "Say", rest), write(route, { text, count })),
    );
  const stream = async (endpoint: string, notes: readonly Note[], rest: Partial<OutgoingCall> = {}): Promise<Note[]> =>
    (await collect(open(route, endpoint, notes, rest))).map((answer) => read(route, answer));

  const failure = await failureOf(unary("fail:conflict"));
  const streamFailure = await failureOf(stream("Repeat", [{ text: "fail", count: 2 }]));
  const late = await failureOf(unary("hang", 0, { deadlineMs: Date.now() + 60 }));
  const lateStream = await failureOf(stream("Repeat", [{ text: "quiet", count: 2 }], { deadlineMs: Date.now() + 60 }));
  const unknown = await failureOf(
    route.transport.unary(route.address, outgoing(route, "Nope", {}), write(route, { text: "", count: 0 })),
  );
  return {
    unary: (await unary("hello")).text,
    big: (await unary("big", 3_000_000)).text.length,
    serverStream: (await stream("Repeat", [{ text: "x", count: 3 }])).map((note) => note.count),
    clientStream: (
      await stream(
        "Join",
        ["a", "b", "c"].map((text) => ({ text, count: 0 })),
      )
    )[0]?.text,
    failure: [failure.code, failure.httpStatus, failure.detail],
    streamFailure: [streamFailure.code, streamFailure.detail],
    unknownMethod: unknown.code,
    deadline: [late.code, late.detail],
    streamDeadline: [lateStream.code, lateStream.detail],
    cancelled: await cancelUnary(unary),
    left: await leaveEarly(route),
    leftWaiting: await leaveWhileWaiting(route),
  };
}

async function cancelUnary(
  unary: (text: string, count: number, rest: Partial<OutgoingCall>) => Promise<Note>,
): Promise<string> {
  const leave = new AbortController();
  const failure = failureOf(unary("hang", 0, { signal: leave.signal }));
  setTimeout(() => leave.abort(), 20);
  return (await failure).code;
}

async function leaveEarly(route: Route): Promise<number[]> {
  const seen: number[] = [];
  for await (const answer of open(route, "Repeat", [{ text: "x", count: 100_000 }], {})) {
    seen.push(read(route, answer).count);
    break;
  }
  return seen;
}

async function leaveWhileWaiting(route: Route): Promise<boolean> {
  const answers = open(route, "Repeat", [{ text: "quiet", count: 2 }], {})[Symbol.asyncIterator]();
  await answers.next();
  const waiting = answers.next().then(
    (next) => next.done === true,
    (reason: unknown) => MicroError.from(reason).code === "cancelled",
  );
  await answers.return?.();
  return waiting;
}

function open(
  route: Route,
  endpoint: string,
  notes: readonly Note[],
  rest: Partial<OutgoingCall>,
): AsyncIterable<Uint8Array> {
  async function* messages(): AsyncGenerator<Uint8Array> {
    for (const note of notes) yield write(route, note);
  }
  return route.transport.stream(route.address, outgoing(route, endpoint, rest), messages());
}

function outgoing(route: Route, method: string, rest: Partial<OutgoingCall>): OutgoingCall {
  return { service: "echo", endpoint: `Echo.${method}`, encoding: route.encoding, metadata: {}, ...rest };
}

const noteMessage = noteType();

function write({ encoding }: Route, note: Note): Uint8Array {
  return encodeMessage(noteMessage, note, encoding);
}

function read({ encoding }: Route, bytes: Uint8Array): Note {
  return decodeMessage(noteMessage, bytes, encoding);
}
