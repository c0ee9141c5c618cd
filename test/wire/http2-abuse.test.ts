import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import type { Socket } from "node:net";
import { connect } from "node:net";
import { join } from "node:path";
import { GrpcTransport } from "#rpc/grpc-transport.ts";
import { waitUntil } from "#testing/wait-until.ts";
import { endHeaders, endStream, frame, frameType as type, header, preface } from "./http2-frames.ts";
import { startKillable, type Killable } from "./start-killable.ts";

const request = Buffer.concat([
  header(":method", "POST"),
  header(":scheme", "http"),
  header(":path", "/echo.Echo/Repeat"),
  header(":authority", "x"),
  header("content-type", "application/grpc+json"),
  header("te", "trailers"),
]);

let server: Killable;
let caller: GrpcTransport;

beforeAll(async () => {
  server = await startKillable("127.0.0.1:0");
  caller = new GrpcTransport();
});
afterAll(async () => {
  await caller.close();
  await server[Symbol.asyncDispose]();
});

interface Attacker {
  readonly socket: Socket;
  isClosed: boolean;
  readonly bytesRead: () => number;
}

async function attack(): Promise<Attacker> {
  const [host, port] = server.address.split(":");
  const socket = connect(Number(port), host);
  const attacker: Attacker = { socket, isClosed: false, bytesRead: () => socket.bytesRead };
  socket.on("error", () => undefined);
  socket.on("close", () => {
    attacker.isClosed = true;
  });
  socket.resume();
  await new Promise((resolve) => {
    socket.once("connect", resolve);
  });
  socket.write(preface);
  socket.write(frame(type.settings, 0, 0));
  return attacker;
}

/** Sends pieces until the server has had enough, or all are sent and read. */
async function flood(attacker: Attacker, pieces: Iterable<Uint8Array>): Promise<void> {
  for (const piece of pieces) {
    if (attacker.isClosed) return;
    if (attacker.socket.write(piece)) continue;
    await new Promise<void>((resolve) => {
      attacker.socket.once("drain", resolve);
      attacker.socket.once("close", () => resolve());
    });
  }
}

async function isServed(): Promise<boolean> {
  const call = { service: "echo", endpoint: "Echo.Say", encoding: "json", metadata: {} } as const;
  const answer = await caller.unary(
    server.address,
    { ...call, deadlineMs: Date.now() + 5_000 },
    Buffer.from('{"text":"hi"}'),
  );
  return Buffer.from(answer).toString().includes("hi");
}

/** Resident memory of the server, in MiB. */
async function memoryMiB(): Promise<number> {
  const text = await Bun.file(join("/proc", String(server.pid), "status")).text();
  return Number(/VmRSS:\s+(\d+)/.exec(text)?.[1] ?? 0) / 1_024;
}

function* times(count: number, make: (index: number) => Uint8Array): Generator<Uint8Array> {
  for (let index = 0; index < count; index += 1) yield make(index);
}

const many = 200;
const floods: Readonly<Record<string, () => Iterable<Uint8Array>>> = {
  "settings that each want an answer": () =>
    times(many, () =>
      Buffer.concat([...times(500, () => frame(type.settings, 0, 0, Buffer.from([0, 4, 0, 0, 255, 255])))]),
    ),
  "pings that each want an answer": () =>
    times(many, () => Buffer.concat([...times(500, () => frame(type.ping, 0, 0, Buffer.alloc(8)))])),
  "streams that are reset as soon as they are open": () =>
    times(many, (index) =>
      Buffer.concat(
        [...times(100, (each) => frame(type.headers, endHeaders, (index * 100 + each) * 2 + 1, request))].flatMap(
          (open, each) => [open, frame(type.reset, 0, (index * 100 + each) * 2 + 1, Buffer.from([0, 0, 0, 8]))],
        ),
      ),
    ),
  "headers that never end": () => [
    frame(type.headers, 0, 1, request),
    ...times(many * 10, () => frame(type.continuation, 0, 1, header("x", "y".repeat(8_000)))),
  ],
  "continuations of nothing": () => [
    frame(type.headers, 0, 1, request),
    ...times(many * 100, () => frame(type.continuation, 0, 1)),
  ],
  "headers above the limit": () =>
    times(many, (index) =>
      Buffer.concat([
        frame(type.headers, 0, index * 2 + 1, request),
        ...times(4, () => frame(type.continuation, 0, index * 2 + 1, header("x", "y".repeat(15_000)))),
        frame(type.continuation, endHeaders, index * 2 + 1),
      ]),
    ),
  "a header of a few bytes that is unpacked again and again": () => [
    frame(
      type.headers,
      endHeaders | endStream,
      1,
      Buffer.concat([
        request,
        Buffer.from([0x40]),
        header("x", "y".repeat(3_900)).subarray(1),
        Buffer.alloc(16_000 - 4_500, 0xbe),
      ]),
    ),
  ],
  "windows opened until they overflow": () =>
    times(many, () => frame(type.window, 0, 0, Buffer.from([127, 255, 255, 255]))),
  "windows opened by nothing": () => times(many, () => frame(type.window, 0, 0, Buffer.alloc(4))),
  "priorities of streams that are not there": () =>
    times(many, (index) =>
      Buffer.concat([
        ...times(500, (each) => frame(type.priority, 0, (index * 500 + each) * 2 + 1, Buffer.from([0, 0, 0, 0, 1]))),
      ]),
    ),
  "empty data without end": () => [
    frame(type.headers, endHeaders, 1, request),
    ...times(many, () => Buffer.concat([...times(500, () => frame(type.data, 0, 1))])),
  ],
};

const broken: Readonly<Record<string, Uint8Array>> = {
  "a frame longer than announced sizes": frame(type.data, 0, 1, Buffer.alloc(100_000)),
  "data on stream 0": frame(type.data, 0, 0, Buffer.from("x")),
  "headers on stream 0": frame(type.headers, endHeaders, 0, request),
  "headers on an even stream": frame(type.headers, endHeaders, 2, request),
  "settings of a broken length": frame(type.settings, 0, 0, Buffer.from([1, 2, 3])),
  "a ping of a broken length": frame(type.ping, 0, 0, Buffer.from([1])),
  "a push from a client": frame(type.push, endHeaders, 1, Buffer.alloc(8)),
  "a continuation of nothing": frame(type.continuation, endHeaders, 1, request),
  "an index that the header table does not have": frame(
    type.headers,
    endHeaders,
    1,
    Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f]),
  ),
  "padding longer than its frame": frame(type.headers, endHeaders | 8, 1, Buffer.from([255, 1, 2])),
  "a frame of no known type": frame(200, 255, 1, Buffer.alloc(50)),
};

describe("HTTP/2 connections that misbehave", () => {
  for (const [what, bytes] of Object.entries(broken)) {
    it(`with ${what} harm nobody else`, async () => {
      const attacker = await attack();
      await flood(attacker, [bytes]);
      expect(await isServed()).toBe(true);
      attacker.socket.destroy();
    });
  }

  for (const [what, pieces] of Object.entries(floods)) {
    it(`with ${what} harm nobody else, and cost no memory`, async () => {
      await isServed();
      const before = await memoryMiB();
      const attacker = await attack();
      await flood(attacker, pieces());
      expect(await isServed()).toBe(true);
      expect((await memoryMiB()) - before).toBeLessThan(96);
      attacker.socket.destroy();
    }, 30_000);
  }

  it("with streams that are reset in a flood are closed", async () => {
    const attacker = await attack();
    const reset = Buffer.from([0, 0, 0, 8]);
    const open = (index: number): Uint8Array =>
      Buffer.concat([
        frame(type.headers, endHeaders, index * 2 + 1, request),
        frame(type.reset, 0, index * 2 + 1, reset),
      ]);
    await flood(attacker, times(20_000, open));
    await waitUntil("the connection is closed", () => attacker.isClosed);
    expect(await isServed()).toBe(true);
  }, 30_000);

  it("without reading what they asked for cost no memory", async () => {
    await isServed();
    const before = await memoryMiB();
    const attackers = await Promise.all(Array.from({ length: 20 }, attack));
    const message = Buffer.from(JSON.stringify({ text: "x".repeat(60_000), count: 10_000 }));
    const prefix = Buffer.alloc(5);
    prefix.writeUInt32BE(message.byteLength, 1);
    for (const { socket } of attackers) {
      socket.pause();
      for (let stream = 1; stream < 20; stream += 2) {
        socket.write(frame(type.window, 0, 0, Buffer.from([0, 0, 255, 255])));
        socket.write(frame(type.headers, endHeaders, stream, request));
        const body = Buffer.concat([prefix, message]);
        for (let at = 0; at < body.byteLength; at += 16_384) {
          socket.write(frame(type.data, 0, stream, body.subarray(at, at + 16_384)));
        }
      }
    }
    for (let round = 0; round < 20; round += 1) expect(await isServed()).toBe(true);
    expect((await memoryMiB()) - before).toBeLessThan(192);
    for (const { socket } of attackers) socket.destroy();
    await waitUntil("others are served", isServed);
  }, 30_000);
});
