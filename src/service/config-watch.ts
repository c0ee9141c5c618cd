import { backoffMs, type BackoffOptions } from "#base/backoff.ts";
import { MicroError } from "#base/error.ts";
import { delay } from "#base/lifecycle.ts";
import { limits } from "#base/limits.ts";
import type { Config } from "#gen/config/config_pb.ts";
import type { ConfigState } from "#interface/config.ts";
import { abortOnReturn } from "#rpc/abort-on-return.ts";
import { toState } from "./config-wire.ts";
import type { ProtoClient } from "./proto.ts";

export interface WatchTarget {
  readonly client: ProtoClient<typeof Config>;
  readonly namespace: string;
  readonly path: string;
  readonly showsSecrets?: boolean;
  readonly signal?: AbortSignal;
  readonly onBreak?: (reason: MicroError) => void;
}

/** Most breaks are restarts, which take a second or two. */
const backoff: BackoffOptions = { initialMs: 100, maxMs: 5_000 };
/** A token that has just ended is replaced at once; one that is refused time and again stays refused. */
const refusedLoginCountMax = 3;
/** Trying again does not help. */
const finalCodes: ReadonlySet<MicroError["code"]> = new Set([
  "invalid_argument",
  "permission_denied",
  "failed_precondition",
  "unimplemented",
]);

/** What is at a path, turned into what the reader wants, over as many connections as it takes. */
export function watchStates<T>(target: WatchTarget, turn: (state: ConfigState) => Promise<T>): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]: () => {
      const end = new AbortController();
      const { signal = end.signal } = target;
      const states = watchAnew({ ...target, signal: AbortSignal.any([signal, end.signal]) });
      return abortOnReturn(turnEach(states, turn), () => end.abort());
    },
  };
}

async function* turnEach<T>(
  states: AsyncIterable<ConfigState>,
  turn: (state: ConfigState) => Promise<T>,
): AsyncGenerator<T, void> {
  for await (const state of states) yield await turn(state);
}

async function* watchAnew(target: WatchTarget & { readonly signal: AbortSignal }): AsyncGenerator<ConfigState> {
  const { signal, onBreak } = target;
  let told: ConfigState | undefined;
  for (let failureCount = 0, refusedLoginCount = 0; !signal.aborted;) {
    const startedMs = performance.now();
    let reason = new MicroError("unavailable", "the server ended the watch");
    try {
      for await (const state of watchOnce(target)) {
        failureCount = 0;
        refusedLoginCount = 0;
        if (told !== undefined && isSame(told, state)) continue;
        told = state;
        yield state;
      }
    } catch (failure) {
      reason = MicroError.from(failure);
      if (reason.code === "unauthenticated") refusedLoginCount += 1;
      const isFinal = finalCodes.has(reason.code) || refusedLoginCount >= refusedLoginCountMax;
      if (isFinal && !signal.aborted) throw reason;
    }
    if (signal.aborted || reason.code === "cancelled") return;
    // The time of one connection is over; that is no failure.
    if (reason.code === "timeout" && performance.now() - startedMs > limits.configWatchRenewMs / 2) continue;
    onBreak?.(reason);
    failureCount += 1;
    await delay(backoffMs(failureCount, backoff), signal);
  }
}

async function* watchOnce(target: WatchTarget & { readonly signal: AbortSignal }): AsyncGenerator<ConfigState> {
  const { client, namespace, path, showsSecrets = false, signal } = target;
  const request = { namespace, path, options: { secret: showsSecrets } };
  for await (const answer of client.watch(request, { signal, timeoutMs: limits.configWatchRenewMs })) {
    yield toState(answer);
  }
}

/** A new connection begins with what is there, which may be known. Behind a mask there may be something new. */
function isSame(told: ConfigState, state: ConfigState): boolean {
  if (told.json !== state.json) return false;
  return told.revision === state.revision || state.json?.includes('"[secret]"') !== true;
}
