import { backoffMs, type BackoffOptions } from "#base/backoff.ts";
import { MicroError } from "#base/error.ts";
import { delay } from "#base/lifecycle.ts";
import { limits } from "#base/limits.ts";
import { silentLogger, type Logger } from "#base/logger.ts";
import type { ServiceNode } from "#interface/registry.ts";
import { abortOnReturn } from "./abort-on-return.ts";
import { callCancelled } from "./call-end.ts";
import { isConnectionFailure, isUnserved } from "./connection-error.ts";
import { linkSignals } from "./link-signals.ts";
import type { MethodKind } from "./method.ts";
import type { NodeResolver } from "./node-resolver.ts";
import { NodeSelector } from "./node-selector.ts";
import { ReplayableMessages } from "./replayable-messages.ts";
import { RetryPlan } from "./retry-plan.ts";
import { ServiceGates, type ServiceGate, type ServiceGateOptions } from "./service-gate.ts";
import type { OutgoingCall, Transport } from "./transport.ts";

/** A call by name: the client finds a node that answers it. */
export interface RoutedCall extends OutgoingCall {
  /** Where the service is looked up. */
  readonly namespace: string;
  /** Streams only: what kind, where the caller knows; server and client streams may then go over HTTP/1.1. */
  readonly kind?: MethodKind;
}

export interface RpcClientDeps {
  readonly resolve: NodeResolver;
  readonly http: Transport;
  readonly grpc: Transport;
  readonly selector?: NodeSelector;
  readonly logger?: Logger;
}

export interface RpcClientOptions {
  /**
   * How often a unary call that was answered with 500 or 408 is sent again.
   * @default 1 – as Micro's clients do; an edge that forwards sets 0, because its caller decides.
   */
  readonly retryCountMax?: number;
  /**
   * How often all nodes are tried again when none could be reached. Calls that reached no node are safe to send again.
   * @default 3 – with the back-off below a little less than a second, which a restart takes.
   */
  readonly unsentRoundCountMax?: number;
  /** For unary calls without a deadline, in milliseconds. @default limits.requestTimeoutMs */
  readonly requestTimeoutMs?: number;
  /** Circuit, retries and calls under way towards each service. */
  readonly gate?: ServiceGateOptions;
  /** Wait before an attempt that is no first attempt at another node. @default 100 ms, doubled each time */
  readonly backoff?: BackoffOptions;
}

/** Sends calls to services: finds nodes, chooses one, chooses the transport, tries again where that is safe. */
export class RpcClient {
  readonly #deps: RpcClientDeps;
  readonly #selector: NodeSelector;
  readonly #logger: Logger;
  readonly #config: Required<Omit<RpcClientOptions, "gate">>;
  readonly #gates: ServiceGates;

  constructor(deps: RpcClientDeps, { gate, ...options }: RpcClientOptions = {}) {
    this.#deps = deps;
    this.#selector = deps.selector ?? new NodeSelector();
    this.#logger = deps.logger ?? silentLogger;
    this.#gates = new ServiceGates(gate);
    this.#config = Object.freeze({
      retryCountMax: 1,
      unsentRoundCountMax: 3,
      requestTimeoutMs: limits.requestTimeoutMs,
      backoff: {},
      ...options,
    });
  }

  /**
   * @throws MicroError what the service answered; `not_found` when nobody offers the service; `unavailable` when no node
   * could be reached, or none for so long that it is no longer tried each time; `timeout`; `cancelled`.
   */
  async unary(call: RoutedCall, message: Uint8Array): Promise<Uint8Array> {
    const bounded = call.deadlineMs === undefined ? withDeadline(call, this.#config.requestTimeoutMs) : call;
    const gate = this.#gates.of(call.service, call.namespace);
    const plan = new RetryPlan(this.#config, gate.budget);
    gate.enter();
    try {
      for (;;) {
        const node = await this.#pick(bounded, plan);
        try {
          const answer = await this.#sendUnary(node, bounded, message);
          this.#noteAnswer(node, gate);
          return answer;
        } catch (reason) {
          this.#noteFailure(node, gate, MicroError.from(reason));
          await this.#beforeRetry(plan, bounded, { node, reason });
        }
      }
    } finally {
      gate.leave();
    }
  }

  /** Messages both ways, of any kind of stream. Begins when the result is first read; leaving it early cancels the call. */
  stream(call: RoutedCall, messages: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    const left = new AbortController();
    return abortOnReturn(this.#readStream(call, messages, left), () => left.abort(callCancelled()));
  }

  /** Closes the connections of both transports. */
  async close(): Promise<void> {
    await Promise.all([this.#deps.http.close(), this.#deps.grpc.close()]);
  }

  async #pick(call: RoutedCall, plan: RetryPlan): Promise<ServiceNode> {
    const found = this.#deps.resolve(call.service, call.namespace);
    const nodes = found instanceof Promise ? await found : found;
    const node = this.#selector.pick(nodes, plan.tried);
    if (node !== undefined) return node;
    // No node is left that was not tried in this round; between rounds a service may also have lost its last node.
    if (nodes.length > 0 && plan.lastFailure !== undefined) {
      await this.#nextRound(call, plan);
      return this.#pick(call, plan);
    }
    throw plan.lastFailure ?? new MicroError("not_found", `service ${call.service}: route not found`);
  }

  async #sendUnary(node: ServiceNode, call: RoutedCall, message: Uint8Array): Promise<Uint8Array> {
    const http = node.metadata["http"];
    this.#selector.begin(node);
    try {
      return await (http === undefined
        ? this.#deps.grpc.unary(node.address, call, message)
        : this.#deps.http.unary(http, call, message));
    } finally {
      this.#selector.end(node);
    }
  }

  #noteAnswer(node: ServiceNode, gate: ServiceGate): void {
    this.#selector.reached(node);
    gate.breaker.succeeded();
  }

  /** What a failure says of the node and of its service: a refusal with reason is an answer like any other. */
  #noteFailure(node: ServiceNode, gate: ServiceGate, error: MicroError): void {
    if (error.code === "cancelled") return;
    if (isConnectionFailure(error)) {
      gate.breaker.failed();
      if (error.neverSent) this.#selector.failed(node);
      else this.#selector.faulted(node);
      return;
    }
    // A node whose places are all taken, and one that this side had no place for, are there.
    if (error.neverSent) return;
    if (isUnserved(error)) this.#selector.faulted(node);
    else this.#noteAnswer(node, gate);
  }

  /** Returns when the call may be sent again; throws its failure when it may not. */
  async #beforeRetry(
    plan: RetryPlan,
    call: RoutedCall,
    failed: { readonly node: ServiceNode; readonly reason: unknown },
  ): Promise<void> {
    const error = MicroError.from(failed.reason);
    if (error.neverSent) {
      plan.noteUnsent(failed.node.address, error);
      this.#logger.debug("a node did not take a call", { service: call.service, error: error.detail });
      return;
    }
    if (!plan.mayRepeat(error, call.deadlineMs)) throw error;
    plan.noteAnswered(error);
    await this.#wait(call, plan, error);
  }

  async #nextRound(call: RoutedCall, plan: RetryPlan): Promise<void> {
    const { lastFailure } = plan;
    if (!plan.beginRound() && lastFailure !== undefined) throw lastFailure;
    await this.#wait(call, plan, lastFailure);
  }

  /** Waits before another attempt. @throws the last failure where the deadline comes first, `cancelled` when the caller leaves. */
  async #wait(call: RoutedCall, plan: RetryPlan, lastFailure: MicroError | undefined): Promise<void> {
    const waitMs = backoffMs(plan.repeatCount, this.#config.backoff);
    const isTooLate = call.deadlineMs !== undefined && Date.now() + waitMs >= call.deadlineMs;
    if (isTooLate && lastFailure !== undefined) throw lastFailure;
    await delay(waitMs, call.signal);
    if (call.signal?.aborted === true) throw MicroError.from(call.signal.reason, { code: "cancelled" });
  }

  async *#readStream(
    call: RoutedCall,
    messages: AsyncIterable<Uint8Array>,
    left: AbortController,
  ): AsyncGenerator<Uint8Array, void> {
    const linked = linkSignals(call.signal, left);
    const replayable = new ReplayableMessages(messages);
    const gate = this.#gates.of(call.service, call.namespace);
    const plan = new RetryPlan({ ...this.#config, retryCountMax: 0 }, gate.budget);
    const bounded: RoutedCall = { ...call, signal: left.signal };
    let isInside = false;
    try {
      gate.enter();
      isInside = true;
      for (;;) {
        const node = await this.#pick(bounded, plan);
        try {
          yield* this.#attemptStream(node, bounded, { messages: replayable, gate });
          this.#noteAnswer(node, gate);
          return;
        } catch (reason) {
          this.#noteFailure(node, gate, MicroError.from(reason));
          if (!replayable.canReplay) throw reason;
          await this.#beforeRetry(plan, bounded, { node, reason });
        }
      }
    } finally {
      if (isInside) gate.leave();
      linked.release();
      replayable.leave();
    }
  }

  async *#attemptStream(
    node: ServiceNode,
    call: RoutedCall,
    { messages, gate }: { readonly messages: ReplayableMessages; readonly gate: ServiceGate },
  ): AsyncGenerator<Uint8Array, void> {
    const http = node.metadata["http"];
    const isOneWay = call.kind === "server_stream" || call.kind === "client_stream";
    this.#selector.begin(node);
    try {
      const answers =
        http !== undefined && isOneWay
          ? this.#deps.http.stream(http, call, messages.read())
          : this.#deps.grpc.stream(node.address, call, messages.read());
      let isAnswered = false;
      for await (const answer of answers) {
        // A stream may go on for days; that it was answered shows with its first message.
        if (!isAnswered) this.#noteAnswer(node, gate);
        isAnswered = true;
        messages.settle();
        yield answer;
      }
    } finally {
      this.#selector.end(node);
    }
  }
}

function withDeadline(call: RoutedCall, timeoutMs: number): RoutedCall {
  return { ...call, deadlineMs: Date.now() + timeoutMs };
}
