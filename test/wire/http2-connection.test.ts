import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { GrpcTransport } from "#rpc/grpc-transport.ts";
import { waitUntil } from "#testing/wait-until.ts";
import { endHeaders, endStream, frame, frameType, header, setting, windowUpdate } from "./http2-frames.ts";
import { answerEnd, answerHead, envelope, startHttp2Peer, type Http2Peer } from "./http2-peer.ts";
import { failureOf } from "./outcome.ts";

const windowSetting = 4;
const padded = 8;
const priority = 0x20;

/** Begins a call, whose answer is the peer's business. */
function call(transport: GrpcTransport, peer: Http2Peer, message = "{}"): Promise<string> {
  const outgoing = { service: "echo", endpoint: "Echo.Say", encoding: "json", metadata: { "x-a": "1" } } as const;
  const answer = transport
    .unary(peer.address, outgoing, Buffer.from(message))
    .then((bytes) => Buffer.from(bytes).toString());
  // Each test waits for it, some only after something else.
  answer.catch(() => undefined);
  return answer;
}

function number32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function data(stream: number, payload: Uint8Array, flags = 0): Buffer {
  return frame(frameType.data, flags, stream, payload);
}

function wholeAnswer(stream: number, text: string): Buffer {
  return Buffer.concat([answerHead(stream), data(stream, envelope(text)), answerEnd(stream)]);
}

/** What the client sent of the body of a stream, and whether it has ended. */
function bodyOf(peer: Http2Peer, stream: number): { readonly bytes: number; readonly isEnded: boolean } {
  const frames = peer.seen.filter((each) => each.kind === frameType.data && each.stream === stream);
  return {
    bytes: frames.reduce((sum, { payload }) => sum + payload.byteLength, 0),
    isEnded: frames.some(({ flags }) => (flags & endStream) !== 0),
  };
}

describe("a gRPC call of one message", () => {
  it("reads an answer however it is cut into frames and chunks", async () => {
    await using peer = await startHttp2Peer();
    const transport = new GrpcTransport();
    const first = call(transport, peer);
    await peer.next(frameType.data);
    const block = Buffer.concat([header(":status", "200"), header("content-type", "application/grpc")]);
    const message = envelope("hello");
    const answer = Buffer.concat([
      frame(frameType.headers, endHeaders, 1, header(":status", "103")),
      frame(
        frameType.headers,
        padded | priority,
        1,
        Buffer.concat([Buffer.from([2, 0, 0, 0, 0, 9]), block.subarray(0, 3), Buffer.alloc(2)]),
      ),
      frame(frameType.continuation, 0, 1, block.subarray(3, 10)),
      frame(frameType.continuation, endHeaders, 1, block.subarray(10)),
      // Of a kind that nobody knows.
      frame(0xee, 0xff, 1, Buffer.alloc(7)),
      data(1, Buffer.concat([Buffer.from([3]), message.subarray(0, 2), Buffer.alloc(3)]), padded),
      data(1, Buffer.alloc(0)),
      data(1, message.subarray(2)),
      answerEnd(1),
    ]);
    peer.socket().setNoDelay(true);
    for (const byte of answer) peer.say(Uint8Array.of(byte));
    expect(await first).toBe("hello");
    const second = call(transport, peer);
    await peer.next(frameType.data);
    peer.say(wholeAnswer(3, "again"));
    expect(await second).toBe("again");
    expect(peer.connectionCount).toBe(1);
    await transport.close();
  });

  it("sends no more of a message than the peer makes room for", async () => {
    await using peer = await startHttp2Peer(setting(windowSetting, 10));
    const transport = new GrpcTransport();
    const size = 100_000;
    const answer = call(transport, peer, "x".repeat(size - 5));
    await waitUntil("the window is full", () => bodyOf(peer, 1).bytes === 10);
    // Smaller than what was sent: the stream is in debt, and an increment that only pays it changes nothing.
    peer.say(setting(windowSetting, 4), windowUpdate(1, 6), frame(frameType.ping, 0, 0, Buffer.alloc(8, 7)));
    expect((await peer.next(frameType.ping)).payload).toEqual(Buffer.alloc(8, 7));
    expect(bodyOf(peer, 1).bytes).toBe(10);
    peer.say(windowUpdate(1, 1_000));
    await waitUntil("another thousand", () => bodyOf(peer, 1).bytes === 1_010);
    peer.say(setting(windowSetting, size));
    // All streams together may send 65535 on a connection.
    await waitUntil("the connection is full", () => bodyOf(peer, 1).bytes === 65_535);
    peer.say(windowUpdate(0, size));
    await waitUntil("the end", () => bodyOf(peer, 1).isEnded);
    expect(bodyOf(peer, 1).bytes).toBe(size);
    peer.say(wholeAnswer(1, "{}"));
    expect(await answer).toBe("{}");
    await transport.close();
  });

  it("makes room for an answer of any length, and takes back what it sent in vain", async () => {
    await using peer = await startHttp2Peer(setting(windowSetting, 10));
    const transport = new GrpcTransport();
    const answer = call(transport, peer, "x".repeat(1_000));
    await waitUntil("the window is full", () => bodyOf(peer, 1).bytes === 10);
    const text = "y".repeat(3 * 1024 * 1024);
    const whole = envelope(text);
    let sent = 0;
    let room = 1024 * 1024;
    let at = 0;
    peer.say(answerHead(1));
    while (sent < whole.byteLength) {
      for (; at < peer.seen.length; at += 1) {
        const seen = peer.seen[at];
        if (seen?.kind === frameType.window && seen.stream === 1) room += seen.payload.readUInt32BE(0);
      }
      const bytes = Math.min(16_384, room, whole.byteLength - sent);
      if (bytes > 0) peer.say(data(1, whole.subarray(sent, sent + bytes)));
      sent += bytes;
      room -= bytes;
      await new Promise((resolve) => setImmediate(resolve));
    }
    peer.say(answerEnd(1));
    expect((await answer).length).toBe(text.length);
    const reset = await peer.next(frameType.reset);
    expect([reset.stream, reset.payload.readUInt32BE(0)]).toEqual([1, 0]);
    await transport.close();
  });

  it("was not taken where the peer refuses it or says goodbye before it, and others are answered", async () => {
    await using peer = await startHttp2Peer();
    const transport = new GrpcTransport();
    const calls = [call(transport, peer), call(transport, peer), call(transport, peer), call(transport, peer)] as const;
    await waitUntil("all calls", () => bodyOf(peer, 7).isEnded);
    peer.say(frame(frameType.reset, 0, 3, number32(7)), frame(frameType.reset, 0, 1, number32(2)));
    expect(await failureOf(calls[1])).toMatchObject({ code: "unavailable", neverSent: true });
    expect(await failureOf(calls[0])).toMatchObject({ code: "bad_gateway", neverSent: false });
    peer.say(frame(frameType.goaway, 0, 0, Buffer.concat([number32(5), number32(0)])));
    expect(await failureOf(calls[3])).toMatchObject({ code: "unavailable", neverSent: true });
    const later = call(transport, peer);
    await waitUntil("another connection", () => peer.connectionCount === 2);
    later.catch(() => undefined);
    await transport.close();
    expect(await failureOf(calls[2])).toMatchObject({ code: "unavailable", neverSent: false });
  });

  it("has run out of time where the peer gives it up when its time is over, whoever notices first", async () => {
    await using peer = await startHttp2Peer();
    const transport = new GrpcTransport();
    // Whoever gives this signal looks after the time, and takes a while to.
    const signal = Object.assign(new AbortController().signal, { coversDeadline: true });
    const outgoing = { service: "echo", endpoint: "Echo.Say", encoding: "json", metadata: {} } as const;
    const deadlineMs = Date.now() + 50;
    const answer = failureOf(transport.unary(peer.address, { ...outgoing, deadlineMs, signal }, Buffer.from("{}")));
    await peer.next(frameType.data);
    await waitUntil("the deadline", () => Date.now() >= deadlineMs);
    peer.say(frame(frameType.reset, 0, 1, number32(8)));
    expect(await answer).toMatchObject({ code: "timeout" });
    await transport.close();
  });

  it("is cancelled with a reset where its answer is none", async () => {
    await using peer = await startHttp2Peer();
    const transport = new GrpcTransport();
    const answer = failureOf(call(transport, peer));
    await peer.next(frameType.data);
    peer.say(answerHead(1), data(1, envelope("a")), data(1, envelope("b")));
    expect(await answer).toMatchObject({ code: "bad_gateway" });
    expect((await peer.next(frameType.reset)).payload.readUInt32BE(0)).toBe(8);
    // What still comes for it is passed over.
    peer.say(data(1, envelope("c")), answerEnd(1));
    const next = call(transport, peer);
    await peer.next(frameType.data);
    peer.say(wholeAnswer(3, "{}"));
    expect(await next).toBe("{}");
    await transport.close();
  });

  for (const [what, bytes] of Object.entries({
    "bytes that are no frames": Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n"),
    "a frame that is too large": data(1, Buffer.alloc(16_385)),
    "a frame of a stream that nobody opened": answerHead(3),
    "a stream of its own": answerHead(2),
    "a frame of no stream": data(0, Buffer.from("x")),
    "a push": frame(frameType.push, endHeaders, 1, Buffer.concat([number32(2), header(":method", "GET")])),
    "more padding than bytes": data(1, Buffer.from([5, 1]), padded),
    "headers that cannot be read": frame(frameType.headers, endHeaders, 1, Buffer.from([0x80])),
    "headers without end": Buffer.concat([
      frame(frameType.headers, 0, 1),
      ...Array.from({ length: 5 }, () => frame(frameType.continuation, 0, 1, Buffer.alloc(16_384))),
    ]),
    "headers with something in between": Buffer.concat([frame(frameType.headers, 0, 1), data(1, Buffer.from("x"))]),
    "a continuation of nothing": frame(frameType.continuation, endHeaders, 1),
    "a window that grows by nothing": windowUpdate(0, 0),
    "a window that is too large": windowUpdate(0, 2 ** 31 - 1),
    "a first window that is too large": setting(windowSetting, 2 ** 31),
    "half a setting": frame(frameType.settings, 0, 0, Buffer.alloc(3)),
    "half a ping": frame(frameType.ping, 0, 0, Buffer.alloc(3)),
    "half a goodbye": frame(frameType.goaway, 0, 0, Buffer.alloc(3)),
    "half a reset": frame(frameType.reset, 0, 1, Buffer.alloc(3)),
  })) {
    it(`ends with its connection where the peer sends ${what}`, async () => {
      await using peer = await startHttp2Peer();
      const transport = new GrpcTransport();
      const answer = failureOf(call(transport, peer));
      await peer.next(frameType.data);
      peer.say(bytes);
      expect(await answer).toMatchObject({ code: "unavailable", neverSent: false });
      await waitUntil("the connection is closed", () => peer.isClosed);
      await transport.close();
    });
  }

  it("was not sent where the peer does not speak HTTP/2", async () => {
    await using peer = await startHttp2Peer(Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n"));
    const transport = new GrpcTransport();
    expect(await failureOf(call(transport, peer))).toMatchObject({ code: "unavailable", neverSent: true });
    await transport.close();
  });

  it("keeps no more replies than a few for a peer that asks and does not read", async () => {
    await using peer = await startHttp2Peer();
    const transport = new GrpcTransport();
    const answer = failureOf(call(transport, peer));
    await peer.next(frameType.data);
    peer.socket().pause();
    const pings = Buffer.concat(Array.from({ length: 4_000 }, () => frame(frameType.ping, 0, 0, Buffer.alloc(8))));
    const ended = answer.then(() => "ended");
    let state: string;
    do {
      peer.say(pings);
      state = await Promise.race([ended, new Promise<string>((resolve) => setImmediate(() => resolve("open")))]);
    } while (state !== "ended");
    expect(await answer).toMatchObject({ code: "unavailable" });
    await transport.close();
  });

  it("ends in an answer or a failure, whatever arrives", async () => {
    const frames = fc.array(
      fc.tuple(
        fc.integer({ min: 0, max: 10 }),
        fc.nat(255),
        fc.constantFrom(0, 1, 1, 1, 2, 3),
        fc.uint8Array({ maxLength: 20 }),
      ),
      { maxLength: 8 },
    );
    await using peer = await startHttp2Peer();
    const transport = new GrpcTransport();
    await fc.assert(
      fc.asyncProperty(frames, async (list) => {
        const answer = call(transport, peer).then(
          () => "answer",
          (reason: unknown) => (reason instanceof Error ? reason.name : "?"),
        );
        await peer.next(frameType.data);
        peer.say(...list.map(([kind, flags, stream, payload]) => frame(kind, flags, stream, payload)));
        peer.socket().end();
        expect(["answer", "MicroError", "Error"]).toContain(await answer);
      }),
      { numRuns: 100 },
    );
    await transport.close();
  });
});
