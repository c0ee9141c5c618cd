import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import type { Config } from "#gen/config/config_pb.ts";
import type { ConfigState } from "#interface/config.ts";
import { abortOnReturn } from "#rpc/abort-on-return.ts";
import { toState } from "./config-wire.ts";
import type { ProtoClient } from "./proto.ts";
import { Reconnection } from "./reconnection.ts";

export interface WatchTarget {
  readonly client: ProtoClient<typeof Config>;
  readonly namespace: string;
  readonly path: string;
  readonly showsSecrets?: boolean;
  readonly signal?: AbortSignal;
  readonly onBreak?: (reason: MicroError) => void;
}

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
  const reconnection = new Reconnection({ finalCodes: ["failed_precondition"] });
  while (!signal.aborted) {
    const startedMs = performance.now();
    let reason = new MicroError("unavailable", "the server ended the watch");
    try {
      for await (const state of watchOnce(target)) {
        reconnection.succeeded();
        if (told !== undefined && isSame(told, state)) continue;
        told = state;
        yield state;
      }
    } catch (failure) {
      reason = MicroError.from(failure);
      if (reconnection.isFinal(reason) && !signal.aborted) throw reason;
    }
    if (signal.aborted || reason.code === "cancelled") return;
    // The time of one connection is over; that is no failure.
    if (reason.code === "timeout" && performance.now() - startedMs > limits.configWatchRenewMs / 2) continue;
    onBreak?.(reason);
    reconnection.failed();
    await reconnection.wait(signal);
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
