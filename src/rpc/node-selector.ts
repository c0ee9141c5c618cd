import { backoffMs, type BackoffOptions } from "#base/backoff.ts";
import { systemClock, type Clock } from "#base/clock.ts";
import type { ServiceNode } from "#interface/registry.ts";

export interface NodeSelectorOptions {
  /** How long a node whose connection failed is avoided. @default 200 ms at first, doubled for each failure in a row, 5 s at most */
  readonly ejection?: BackoffOptions;
  readonly clock?: Clock;
  /** At least 0, below 1. */
  readonly random?: () => number;
}

/** What is known of one node. Kept only while there is something to know. */
interface NodeRecord {
  outstandingCount: number;
  /** Failures in a row to reach it. */
  failureCount: number;
  /** Avoided until then, in milliseconds since the epoch; 0: not avoided. */
  avoidedUntilMs: number;
}

/** Records of nodes that failed and left are swept when there are this many. */
const recordCountMax = 1_024;

const noneTried: ReadonlySet<string> = new Set();

/**
 * Chooses among the nodes of a service: of the next one in turn and one at random, the one with fewer calls under way;
 * in turn when they are equal. A node that could not be reached is avoided for a while, unless there is no other.
 */
export class NodeSelector {
  readonly #ejection: BackoffOptions;
  readonly #clock: Clock;
  readonly #random: () => number;
  /** By address. */
  readonly #records = new Map<string, NodeRecord>();
  #turn = 0;
  /** After this moment no node is avoided, in milliseconds since the epoch. */
  #anyAvoidedUntilMs = 0;

  constructor(options: NodeSelectorOptions = {}) {
    this.#ejection = options.ejection ?? { initialMs: 200, maxMs: 5_000 };
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
  }

  /** One of the nodes whose address is not in `tried`; undefined when there is none. */
  pick(nodes: readonly ServiceNode[], tried: ReadonlySet<string> = noneTried): ServiceNode | undefined {
    const [only] = nodes;
    if (nodes.length <= 1) return only === undefined || tried.has(only.address) ? undefined : only;
    const untried = tried.size === 0 ? nodes : nodes.filter((node) => !tried.has(node.address));
    const healthy = this.#healthy(untried);
    return this.#lighter(healthy.length > 0 ? healthy : untried);
  }

  /** A call to the node begins. */
  begin(node: ServiceNode): void {
    this.#record(node.address).outstandingCount += 1;
  }

  /** A call to the node is over. */
  end(node: ServiceNode): void {
    const record = this.#records.get(node.address);
    if (record === undefined) return;
    record.outstandingCount -= 1;
    if (record.outstandingCount <= 0 && record.failureCount === 0) this.#records.delete(node.address);
  }

  /** The node could not be reached. */
  failed(node: ServiceNode): void {
    const record = this.#record(node.address);
    record.failureCount += 1;
    record.avoidedUntilMs = this.#clock.now() + backoffMs(record.failureCount, this.#ejection, this.#random);
    this.#anyAvoidedUntilMs = Math.max(this.#anyAvoidedUntilMs, record.avoidedUntilMs);
  }

  /** The node answered, be it with an error. */
  reached(node: ServiceNode): void {
    const record = this.#records.get(node.address);
    if (record === undefined || record.failureCount === 0) return;
    record.failureCount = 0;
    record.avoidedUntilMs = 0;
  }

  #healthy(nodes: readonly ServiceNode[]): readonly ServiceNode[] {
    if (this.#anyAvoidedUntilMs === 0) return nodes;
    const now = this.#clock.now();
    if (this.#anyAvoidedUntilMs <= now) {
      this.#anyAvoidedUntilMs = 0;
      return nodes;
    }
    return nodes.filter((node) => (this.#records.get(node.address)?.avoidedUntilMs ?? 0) <= now);
  }

  #lighter(nodes: readonly ServiceNode[]): ServiceNode | undefined {
    const at = this.#turn % nodes.length;
    this.#turn = (this.#turn + 1) % Number.MAX_SAFE_INTEGER;
    const next = nodes[at];
    // Any but the one whose turn it is.
    const offset = 1 + Math.floor(this.#random() * (nodes.length - 1));
    const other = nodes[(at + offset) % nodes.length];
    if (next === undefined || other === undefined) return next;
    return this.#outstanding(other) < this.#outstanding(next) ? other : next;
  }

  #outstanding(node: ServiceNode): number {
    return this.#records.get(node.address)?.outstandingCount ?? 0;
  }

  #record(address: string): NodeRecord {
    const known = this.#records.get(address);
    if (known !== undefined) return known;
    if (this.#records.size >= recordCountMax) this.#sweep();
    const record: NodeRecord = { outstandingCount: 0, failureCount: 0, avoidedUntilMs: 0 };
    this.#records.set(address, record);
    return record;
  }

  #sweep(): void {
    const now = this.#clock.now();
    for (const [address, record] of this.#records) {
      if (record.outstandingCount <= 0 && record.avoidedUntilMs <= now) this.#records.delete(address);
    }
  }
}
