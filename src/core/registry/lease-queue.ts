import { MinHeap } from "#base/min-heap.ts";

/** Something that lives until a moment that may move. */
export interface Lease {
  /** Milliseconds since the epoch; `Infinity` is for ever. */
  readonly expiresAtMs: number;
  /** True once it left for another reason. */
  readonly isReleased: boolean;
  /** When the queue looks at it next; written by the queue alone. `Infinity` before it is added. */
  ticketAtMs: number;
}

interface Ticket<L extends Lease> {
  readonly atMs: number;
  readonly lease: L;
}

/** Tickets without a use that may wait in the queue before it is swept: below this a sweep saves nothing. */
const sweepCountMin = 1_024;

/**
 * Leases in the order in which they end.
 *
 * Renewal costs nothing here: a ticket keeps the moment that was true when it was written, and is written anew when that
 * moment comes and the lease still lives. So each lease moves once a lifetime, however often it is renewed.
 */
export class LeaseQueue<L extends Lease> {
  #tickets = createHeap<L>();
  #uselessCount = 0;

  /** Tickets held, also useless ones. */
  get size(): number {
    return this.#tickets.size;
  }

  /** Watches over a lease; to be called when it is new and when its end moved. */
  add(lease: L): void {
    if (lease.expiresAtMs >= lease.ticketAtMs) return;
    if (lease.ticketAtMs !== Infinity) this.noteUseless();
    this.#write(lease);
  }

  /** Says that a ticket was written in vain, as that of a lease that was released, so that the queue can shed it. */
  noteUseless(): void {
    this.#uselessCount += 1;
    if (this.#uselessCount < sweepCountMin || this.#uselessCount * 2 < this.size) return;
    const tickets = this.#tickets;
    this.#tickets = createHeap();
    this.#uselessCount = 0;
    for (const ticket of tickets) if (isUseful(ticket)) this.#write(ticket.lease);
  }

  /** When to look again, milliseconds since the epoch; undefined while nothing can end. */
  nextAtMs(): number | undefined {
    return this.#tickets.peek()?.atMs;
  }

  /** Takes out what has ended by `nowMs`. */
  takeExpired(nowMs: number): L[] {
    const expired: L[] = [];
    for (let top = this.#tickets.peek(); top !== undefined && top.atMs <= nowMs; top = this.#tickets.peek()) {
      this.#tickets.pop();
      if (!isUseful(top)) continue;
      if (top.lease.expiresAtMs > nowMs) this.#write(top.lease);
      else expired.push(top.lease);
    }
    return expired;
  }

  #write(lease: L): void {
    lease.ticketAtMs = lease.expiresAtMs;
    if (lease.expiresAtMs === Infinity) return;
    this.#tickets.push({ atMs: lease.expiresAtMs, lease });
  }
}

function createHeap<L extends Lease>(): MinHeap<Ticket<L>> {
  return new MinHeap((ticket) => ticket.atMs);
}

/** False for a lease that left, and for one that a later written ticket looks after. */
function isUseful<L extends Lease>(ticket: Ticket<L>): boolean {
  return !ticket.lease.isReleased && ticket.atMs === ticket.lease.ticketAtMs;
}
