import { describe, expect, it } from "bun:test";
import { callerLeft, IncomingCall, type CallSource } from "./incoming-call.ts";

const target = { path: "/a.B/C", service: "a", endpoint: "B.C", encoding: "json" } as const;

function sourceOf(headers: Record<string, string>, signal?: AbortSignal): CallSource & { readCount: number } {
  const source = {
    readCount: 0,
    peer: "1.2.3.4:5",
    header: (name: string) => headers[name],
    metadata: () => {
      source.readCount += 1;
      return headers;
    },
    ...(signal === undefined ? {} : { signal }),
  };
  return source;
}

describe("IncomingCall", () => {
  it("reads headers when they are asked for, once", () => {
    const source = sourceOf({ a: "b" });
    const call = new IncomingCall(source, target);
    expect(source.readCount).toBe(0);
    expect([call.metadata, call.metadata]).toEqual([{ a: "b" }, { a: "b" }]);
    expect(source.readCount).toBe(1);
    expect([call.peer, call.deadlineMs, call.namespace, call.account]).toEqual(["1.2.3.4:5", undefined, "", undefined]);
  });

  it("takes the shortest of its timeouts", () => {
    const beforeMs = Date.now();
    const call = new IncomingCall(
      sourceOf({ timeout: "60000000000", "grpc-timeout": "5S", "connect-timeout-ms": "7000" }),
      target,
    );
    call.finish();
    expect((call.deadlineMs ?? 0) - beforeMs).toBeWithin(5_000, 5_500);
  });

  it("leaves a timeout header that is not Micro's alone, and refuses a grpc-timeout that is none", () => {
    expect(new IncomingCall(sourceOf({ timeout: "soon" }), target).deadlineMs).toBeUndefined();
    expect(() => new IncomingCall(sourceOf({ "grpc-timeout": "soon" }), target)).toThrow('"soon" is not a timeout');
  });

  it("aborts at its deadline with the timeout as reason", async () => {
    const call = new IncomingCall(sourceOf({ "grpc-timeout": "1m" }), target);
    const never = new Promise<never>(() => undefined);
    await expect(call.until(never)).rejects.toMatchObject({ code: "timeout", detail: "context deadline exceeded" });
    expect(call.signal.aborted).toBe(true);
    expect(call.signal.reason).toBe(call.failure);
  });

  it("lives on past a deadline that no timer can hold", async () => {
    const call = new IncomingCall(sourceOf({ "grpc-timeout": "99999999H" }), target);
    expect(await call.until(Promise.resolve(1))).toBe(1);
    expect(call.failure).toBeUndefined();
  });

  it("follows the signal of its caller", () => {
    const caller = new AbortController();
    const call = new IncomingCall(sourceOf({}, caller.signal), target);
    expect(call.signal.aborted).toBe(false);
    caller.abort();
    expect(call.failure?.code).toBe("cancelled");
    expect(new IncomingCall(sourceOf({}, caller.signal), target).signal.aborted).toBe(true);
  });

  it("keeps the first reason", async () => {
    const call = new IncomingCall(sourceOf({}), target);
    call.abort(callerLeft());
    call.abort(callerLeft());
    expect(call.signal.reason).toBe(call.failure);
    await expect(call.until(Promise.resolve(1).then(() => new Promise(() => undefined)))).rejects.toBe(call.failure);
  });
});
