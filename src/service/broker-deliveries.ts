import type { BackoffOptions } from "#base/backoff.ts";
import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import { subscribeTypes, type Delivery, type SubscribeRequest } from "./broker-codec.ts";
import type { Caller } from "./caller.ts";
import { Reconnection } from "./reconnection.ts";

/** What happened while a subscription did not stand: messages of that time are lost. */
export interface SubscriptionGap {
  /** Why it broke. */
  readonly reason: MicroError;
  /** How long it lasted, in milliseconds. */
  readonly durationMs: number;
}

export interface DeliveriesOptions extends SubscribeRequest {
  /** Ends it. */
  readonly signal: AbortSignal;
  /** A subscription broke, or could not be made, and did not come to stand at once: it is tried on. Told once a gap. */
  readonly onBreak: (reason: MicroError) => void;
  /** It stands again. */
  readonly onGap: (gap: SubscriptionGap) => void;
  /** A connection on which nothing comes for this long is dead. @default limits.brokerSilenceMs */
  readonly silenceMs?: number;
  /** Waits between two attempts. @default 100 ms, doubled up to 5 s */
  readonly backoff?: BackoffOptions;
}

/** Trying again does not help, besides what is so for everybody. */
const finalCodes: readonly MicroError["code"][] = ["method_not_allowed", "unsupported_media_type"];

/**
 * What a subscription brings, from one connection after the other, until `signal` aborts or the client is closed. The
 * first delivery after each connection may be empty: it says that the subscription stands.
 *
 * @throws MicroError that a repetition would not change, such as `permission_denied`.
 */
export async function* readDeliveries(caller: Caller, options: DeliveriesOptions): AsyncGenerator<Delivery> {
  const { signal, onBreak, onGap, backoff } = options;
  const reconnection = new Reconnection({ finalCodes, ...(backoff !== undefined && { backoff }) });
  let broken: { readonly reason: MicroError; readonly atMs: number } | undefined;
  for (;;) {
    let reason = new MicroError("unavailable", "the broker ended the subscription");
    try {
      for await (const delivery of readOnce(caller, options)) {
        if (broken !== undefined) onGap({ reason: broken.reason, durationMs: performance.now() - broken.atMs });
        broken = undefined;
        reconnection.succeeded();
        yield delivery;
      }
    } catch (failure) {
      reason = MicroError.from(failure);
      if (reconnection.isFinal(reason) && !signal.aborted) throw reason;
    }
    if (signal.aborted || reason.code === "cancelled") return;
    broken ??= { reason, atMs: performance.now() };
    if (reconnection.failed() === 2) onBreak(reason);
    await reconnection.wait(signal);
  }
}

/** One connection. The broker says every now and then that it is there; where it does not, the connection is dead. */
async function* readOnce(caller: Caller, options: DeliveriesOptions): AsyncGenerator<Delivery> {
  const left = new AbortController();
  const leave = (): void => left.abort();
  options.signal.addEventListener("abort", leave, { once: true });
  if (options.signal.aborted) leave();
  const request: SubscribeRequest = { topic: options.topic, queue: options.queue };
  const call = { types: subscribeTypes, signal: left.signal };
  const answers = caller.stream<Delivery>("broker", "Broker.SubscribeBatch", request, call)[Symbol.asyncIterator]();
  let isSilent = false;
  try {
    for (;;) {
      const silence = setTimeout(() => {
        isSilent = true;
        leave();
      }, options.silenceMs ?? limits.brokerSilenceMs);
      const next = await answers.next().finally(() => clearTimeout(silence));
      if (next.done === true) return;
      yield next.value;
    }
  } catch (reason) {
    if (isSilent) throw new MicroError("unavailable", "nothing was heard from the broker", { cause: reason });
    throw reason;
  } finally {
    options.signal.removeEventListener("abort", leave);
    leave();
    await answers.return?.();
  }
}
