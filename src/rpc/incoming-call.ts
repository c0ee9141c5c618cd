import { MicroError } from "#base/error.ts";
import type { Metadata } from "#base/metadata.ts";
import type { Account } from "#interface/auth.ts";
import { parseConnectTimeout, parseGrpcTimeout, parseTimeoutHeader } from "./grpc-timeout.ts";
import { Interruption } from "./interruption.ts";
import type { RpcPath } from "./rpc-path.ts";
import type { AnswerMetadata, Encoding, ServerCall } from "./server-call.ts";

/** Where a call came from. Everything is asked for at most once, and only when somebody wants to know. */
export interface CallSource {
  header(name: string): string | undefined;
  metadata(): Metadata;
  readonly peer: string;
  /** Aborts when the caller leaves. Absent: whoever serves the call says so through `abort()`. */
  readonly signal?: AbortSignal;
}

/** What a path and a content type say about a call. */
export interface CallTarget extends RpcPath {
  readonly path: string;
  readonly encoding: Encoding;
  readonly answer?: AnswerMetadata;
}

/** Timers hold no more than this many milliseconds; a deadline beyond is as good as none. */
const timerMsMax = 2_147_483_647;

/**
 * A call that is being answered. Headers, address and signal are read when they are first asked for, because most calls
 * are answered without them.
 */
export class IncomingCall implements ServerCall {
  readonly path: string;
  readonly service: string;
  readonly endpoint: string;
  readonly encoding: Encoding;
  readonly deadlineMs: number | undefined;
  declare readonly answer?: AnswerMetadata;
  account: Account | undefined = undefined;
  namespace = "";

  readonly #source: CallSource;
  #relayedPeer: string | undefined;
  #metadata: Metadata | undefined;
  #controller: AbortController | undefined;
  #failure: MicroError | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #interruption: Interruption | undefined;

  constructor(source: CallSource, target: CallTarget) {
    this.path = target.path;
    this.service = target.service;
    this.endpoint = target.endpoint;
    this.encoding = target.encoding;
    if (target.answer !== undefined) this.answer = target.answer;
    this.#source = source;
    const timeoutMs = readTimeoutMs(source);
    if (timeoutMs === undefined) return;
    this.deadlineMs = Date.now() + timeoutMs;
    if (timeoutMs > timerMsMax) return;
    this.#timer = setTimeout(() => this.abort(new MicroError("timeout", "context deadline exceeded")), timeoutMs);
  }

  get metadata(): Metadata {
    this.#metadata ??= this.#source.metadata();
    return this.#metadata;
  }

  get peer(): string {
    return this.#relayedPeer ?? this.#source.peer;
  }

  /** Says for whom the peer speaks, where the peer is a part of this server that passes calls on. */
  relayFor(peer: string): void {
    this.#relayedPeer = peer;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#failure === undefined) this.#followSource();
      else this.#controller.abort(this.#failure);
    }
    return this.#controller.signal;
  }

  /** Why the call ended before its answer; undefined while it runs. */
  get failure(): MicroError | undefined {
    return this.#failure;
  }

  /** Ends the call early: the signal aborts, and what `until` waits for is given up. The first reason stays. */
  abort(failure: MicroError): void {
    if (this.#failure !== undefined) return;
    this.#failure = failure;
    this.finish();
    this.#controller?.abort(failure);
    this.#interruption?.interrupt(failure);
  }

  /**
   * The outcome of `work`, or the failure of the call when that comes first: a handler that ignores the signal must not
   * hold up the answer. One wait at a time.
   */
  until<T>(work: Promise<T>): Promise<T> {
    if (this.#interruption === undefined) {
      this.#interruption = new Interruption();
      if (this.#failure !== undefined) this.#interruption.interrupt(this.#failure);
    }
    return this.#interruption.until(work);
  }

  /** The answer is on its way: the deadline no longer counts. */
  finish(): void {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #followSource(): void {
    const { signal } = this.#source;
    if (signal === undefined) return;
    const leave = (): void => this.abort(callerLeft());
    if (signal.aborted) leave();
    else signal.addEventListener("abort", leave, { once: true });
  }
}

/** The failure of a call whose caller went away. */
export function callerLeft(): MicroError {
  return new MicroError("cancelled", "the caller cancelled the call");
}

/** @throws MicroError `invalid_argument` for a timeout that a protocol defines and that is not one. */
function readTimeoutMs(source: CallSource): number | undefined {
  const micro = source.header("timeout");
  const grpc = source.header("grpc-timeout");
  const connect = source.header("connect-timeout-ms");
  if (micro === undefined && grpc === undefined && connect === undefined) return undefined;
  // `timeout` is a common word, so a value that is not Micro's is somebody else's header.
  const all = [
    micro === undefined ? undefined : parseTimeoutHeader(micro),
    grpc === undefined ? undefined : requireTimeout("grpc-timeout", grpc, parseGrpcTimeout(grpc)),
    connect === undefined ? undefined : requireTimeout("connect-timeout-ms", connect, parseConnectTimeout(connect)),
  ].filter((each) => each !== undefined);
  return all.length === 0 ? undefined : Math.min(...all);
}

function requireTimeout(name: string, text: string, timeoutMs: number | undefined): number {
  if (timeoutMs !== undefined) return timeoutMs;
  throw new MicroError("invalid_argument", `${name} "${text.slice(0, 40)}" is not a timeout`);
}
