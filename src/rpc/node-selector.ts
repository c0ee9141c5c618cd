import { backoffMs, type BackoffOptions } from "#base/backoff.ts";
import { systemClock, type Clock } from "#base/clock.ts";
import { shareKey, type ServiceNode } from "#interface/registry.ts";

export interface NodeSelectorOptions {
  /** How long a node that fails is avoided. @default 200 ms at first, doubled for each failure in a row, 5 s at most */
  readonly ejection?: BackoffOptions;
  /** Calls in a row that a node took and did not answer as it should before it is avoided. @default 5 */
  readonly faultCountMax?: number;
  readonly clock?: Clock;
  /** At least 0, below 1. */
  readonly random?: () => number;
}

/** What is known of one node. Kept only while there is something to know. */
interface NodeRecord {
  outstandingCount: number;
  /** Times in a row that it was found to be avoided. */
  failureCount: number;
  /** Calls in a row that it took and did not answer. */
  faultCount: number;
  /** True when it could not even be reached. */
  isUnreachable: boolean;
  /** Avoided until then, in milliseconds since the epoch; 0: not avoided. */
  avoidedUntilMs: number;
}

/** Records of nodes that failed and left are swept when there are this many. */
const recordCountMax = 1_024;

/**
 * A node whose time is over gets one call; until that is answered, or this long in milliseconds, it gets no other: if it
 * still hangs, one caller waits and not a crowd.
 */
const trialMs = 1_000;

/** The nodes of a service of which some, as those of a canary, get a share of the calls. */
interface Split {
  readonly shared: readonly ServiceNode[];
  readonly others: readonly ServiceNode[];
  readonly percent: number;
}

const noneTried: ReadonlySet<string> = new Set();

/**
 * Chooses among the nodes of a service: of the next one in turn and one at random, the one with fewer calls under way;
 * in turn when they are equal. A node that could not be reached, or that left several calls in a row unanswered, is
 * avoided for a while, unless there is no other; then one call tries it. Nodes that are only slow to answer are avoided no
 * more than half of them: the rest could not carry everything.
 *
 * Nodes that get a share of the calls get that many, and the others the rest, as long as both have a node that works.
 */
export class NodeSelector {
  readonly #ejection: BackoffOptions;
  readonly #faultCountMax: number;
  readonly #clock: Clock;
  readonly #random: () => number;
  /** By address. */
  readonly #records = new Map<string, NodeRecord>();
  /** By the list of nodes, which stays as it is until something changes; undefined for most. */
  readonly #splits = new WeakMap<readonly ServiceNode[], { readonly split: Split | undefined }>();
  #turn = 0;
  /** Records with failures; while there are none, no node has to be looked at. */
  #suspectCount = 0;

  constructor(options: NodeSelectorOptions = {}) {
    this.#ejection = options.ejection ?? { initialMs: 200, maxMs: 5_000 };
    this.#faultCountMax = options.faultCountMax ?? 5;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
  }

  /** One of the nodes whose address is not in `tried`; undefined when there is none. */
  pick(nodes: readonly ServiceNode[], tried: ReadonlySet<string> = noneTried): ServiceNode | undefined {
    const [only] = nodes;
    if (nodes.length <= 1) return only === undefined || tried.has(only.address) ? undefined : only;
    const group = this.#chooseGroup(nodes, tried);
    const untried = tried.size === 0 ? group : group.filter((node) => !tried.has(node.address));
    if (this.#suspectCount === 0) return this.#lighter(untried);
    const node = this.#lighter(this.#eligible(untried));
    if (node !== undefined) this.#beginTrial(node);
    return node;
  }

  /** Calls to this address that are under way. */
  callsUnderWay(address: string): number {
    return this.#outstanding(address);
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
    if (record.outstandingCount <= 0 && record.failureCount + record.faultCount === 0) {
      this.#records.delete(node.address);
    }
  }

  /** The node could not be reached. */
  failed(node: ServiceNode): void {
    const record = this.#record(node.address);
    record.isUnreachable = true;
    this.#eject(record);
  }

  /** The node took a call and did not answer it: its time ran out, the connection broke, or it says that it cannot serve. */
  faulted(node: ServiceNode): void {
    const record = this.#record(node.address);
    record.faultCount += 1;
    // Who was let in again on trial is sent away again at once.
    if (record.faultCount >= this.#faultCountMax || record.failureCount > 0) this.#eject(record);
  }

  /** The node answered, be it with an error. */
  reached(node: ServiceNode): void {
    const record = this.#records.get(node.address);
    if (record === undefined) return;
    record.faultCount = 0;
    if (record.failureCount === 0) return;
    record.failureCount = 0;
    record.isUnreachable = false;
    record.avoidedUntilMs = 0;
    this.#suspectCount -= 1;
  }

  #eject(record: NodeRecord): void {
    if (record.failureCount === 0) this.#suspectCount += 1;
    record.failureCount += 1;
    record.faultCount = 0;
    record.avoidedUntilMs = this.#clock.now() + backoffMs(record.failureCount, this.#ejection, this.#random);
  }

  #beginTrial({ address }: ServiceNode): void {
    const record = this.#records.get(address);
    if (record === undefined || record.failureCount === 0) return;
    record.avoidedUntilMs = Math.max(record.avoidedUntilMs, this.#clock.now() + trialMs);
  }

  #eligible(nodes: readonly ServiceNode[]): readonly ServiceNode[] {
    const now = this.#clock.now();
    const healthy = nodes.filter((node) => (this.#records.get(node.address)?.avoidedUntilMs ?? 0) <= now);
    if (healthy.length * 2 >= nodes.length) return healthy;
    const reachable = nodes.filter((node) => this.#records.get(node.address)?.isUnreachable !== true);
    if (reachable.length > 0) return reachable;
    return healthy.length > 0 ? healthy : nodes;
  }

  #lighter(nodes: readonly ServiceNode[]): ServiceNode | undefined {
    const at = this.#turn % nodes.length;
    this.#turn = (this.#turn + 1) % Number.MAX_SAFE_INTEGER;
    const next = nodes[at];
    // Any but the one whose turn it is.
    const offset = 1 + Math.floor(this.#random() * (nodes.length - 1));
    const other = nodes[(at + offset) % nodes.length];
    if (next === undefined || other === undefined) return next;
    return this.#outstanding(other.address) < this.#outstanding(next.address) ? other : next;
  }

  /** Those of the nodes that this call is for: all of them, unless some get a share. */
  #chooseGroup(nodes: readonly ServiceNode[], tried: ReadonlySet<string>): readonly ServiceNode[] {
    const split = this.#splitOf(nodes);
    if (split === undefined) return nodes;
    const group = this.#random() * 100 < split.percent ? split.shared : split.others;
    const now = this.#clock.now();
    const works = ({ address }: ServiceNode): boolean =>
      !tried.has(address) && (this.#records.get(address)?.avoidedUntilMs ?? 0) <= now;
    return group.some(works) ? group : nodes;
  }

  #splitOf(nodes: readonly ServiceNode[]): Split | undefined {
    const known = this.#splits.get(nodes);
    if (known !== undefined) return known.split;
    const shared = nodes.filter(({ metadata }) => metadata[shareKey] !== undefined);
    const percent = Number(shared[0]?.metadata[shareKey]);
    const others = nodes.filter((node) => !shared.includes(node));
    const isSplit = shared.length > 0 && others.length > 0 && Number.isFinite(percent);
    const split = isSplit ? { shared, others, percent } : undefined;
    this.#splits.set(nodes, { split });
    return split;
  }

  #outstanding(address: string): number {
    return this.#records.get(address)?.outstandingCount ?? 0;
  }

  #record(address: string): NodeRecord {
    const known = this.#records.get(address);
    if (known !== undefined) return known;
    if (this.#records.size >= recordCountMax) this.#sweep();
    const record: NodeRecord = {
      outstandingCount: 0,
      failureCount: 0,
      faultCount: 0,
      isUnreachable: false,
      avoidedUntilMs: 0,
    };
    this.#records.set(address, record);
    return record;
  }

  #sweep(): void {
    const now = this.#clock.now();
    for (const [address, record] of this.#records) {
      if (record.outstandingCount > 0 || record.avoidedUntilMs > now) continue;
      if (record.failureCount > 0) this.#suspectCount -= 1;
      this.#records.delete(address);
    }
  }
}
