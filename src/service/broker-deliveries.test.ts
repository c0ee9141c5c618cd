import { describe, expect, it } from "bun:test";
import { MicroError } from "#base/error.ts";
import type { Delivery } from "./broker-codec.ts";
import { readDeliveries, type DeliveriesOptions, type SubscriptionGap } from "./broker-deliveries.ts";
import type { Caller, CallOptions } from "./caller.ts";

const empty: Delivery = { messages: [], dropped: 0 };

/** A caller whose streams do what `answer` says of each, counted from 1. */
function createCaller(answer: (attempt: number, signal: AbortSignal) => AsyncIterable<Delivery>): Caller {
  let attempt = 0;
  const stream = (_service: string, _endpoint: string, _body: unknown, options: CallOptions): unknown => {
    attempt += 1;
    return answer(attempt, options.signal ?? AbortSignal.abort());
  };
  return { call: () => Promise.reject(new Error("no call is made here")), stream: stream as Caller["stream"] };
}

function createOptions(
  more: Partial<DeliveriesOptions> = {},
): DeliveriesOptions & { readonly gaps: SubscriptionGap[] } {
  const gaps: SubscriptionGap[] = [];
  const onGap = (gap: SubscriptionGap): void => void gaps.push(gap);
  const { signal } = new AbortController();
  return { topic: "t", queue: "", signal, onBreak: () => undefined, onGap, backoff: { maxMs: 1 }, gaps, ...more };
}

/** Nothing comes until the caller leaves. */
async function* hang(signal: AbortSignal): AsyncGenerator<Delivery> {
  await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  throw new MicroError("cancelled", "the call was cancelled");
}

async function* standThenFail(reason: MicroError): AsyncGenerator<Delivery> {
  yield empty;
  throw reason;
}

describe("readDeliveries()", () => {
  it("takes a connection on which nothing comes for dead, and makes another", async () => {
    const options = createOptions({ silenceMs: 5 });
    const caller = createCaller(async function* (attempt, signal) {
      yield empty;
      if (attempt === 1) yield* hang(signal);
    });
    const deliveries = readDeliveries(caller, options);
    await deliveries.next();
    await deliveries.next();
    expect(options.gaps).toMatchObject([
      { reason: { code: "unavailable", detail: "nothing was heard from the broker" } },
    ]);
    await deliveries.return(undefined);
  });

  it("goes on after a refused login, and gives up when it is refused time and again", async () => {
    const refusal = new MicroError("unauthenticated", "the token is expired");
    let attemptCount = 0;
    const caller = createCaller((attempt) => {
      attemptCount = attempt;
      // The first failure is followed by a success, after which they are counted anew.
      return attempt === 2 ? standThenFail(refusal) : failAtOnce(refusal);
    });
    const options = createOptions();
    const deliveries = readDeliveries(caller, options);
    expect((await deliveries.next()).value).toEqual(empty);
    expect(await deliveries.next().catch((reason: unknown) => reason)).toBe(refusal);
    expect(attemptCount).toBe(4);
    expect(options.gaps).toHaveLength(1);
  });

  it("tells once a gap that it goes on trying", async () => {
    const breaks: MicroError[] = [];
    const caller = createCaller((attempt) =>
      attempt < 6
        ? failAtOnce(new MicroError("unavailable", `no ${attempt}`))
        : standThenFail(new MicroError("internal", "x")),
    );
    const deliveries = readDeliveries(caller, createOptions({ onBreak: (reason) => breaks.push(reason) }));
    await deliveries.next();
    expect(breaks.map((each) => each.detail)).toEqual(["no 2"]);
    await deliveries.return(undefined);
  });

  it("ends when the signal aborts while it waits for the next attempt", async () => {
    const end = new AbortController();
    const caller = createCaller(() => failAtOnce(new MicroError("unavailable", "no")));
    const backoff = { initialMs: 3_600_000, maxMs: 3_600_000 };
    const next = readDeliveries(caller, createOptions({ signal: end.signal, backoff })).next();
    setImmediate(() => end.abort());
    expect((await next).done).toBe(true);
  });
});

async function* failAtOnce(reason: MicroError): AsyncGenerator<Delivery> {
  await Promise.resolve();
  throw reason;
}
