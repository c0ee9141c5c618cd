import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import type { Account } from "#interface/auth.ts";
import type { RequestTrace } from "./request-trace.ts";
import { TokenBuckets, type Rate } from "./token-buckets.ts";

/** How much one caller may ask for. What is absent is not limited, and costs nothing. */
export interface AdmissionOptions {
  /** Requests of one account. */
  readonly accountRate?: Rate;
  /** Requests of one address: an IPv4 address, or the /64 network of an IPv6 one, which is what one subscriber has. */
  readonly addressRate?: Rate;
  /** Requests of one address that are being answered at the same time. */
  readonly addressConcurrencyMax?: number;
}

/** Lets requests in, or sends them away with 429 or 503 before they cost anything. */
export class Admission {
  readonly #accounts: TokenBuckets | undefined;
  readonly #addresses: TokenBuckets | undefined;
  readonly #concurrencyMax: number | undefined;
  /** Requests that are being answered, by address. */
  readonly #running = new Map<string, number>();
  #runningCount = 0;

  constructor({ accountRate, addressRate, addressConcurrencyMax }: AdmissionOptions) {
    const buckets = (rate: Rate | undefined): TokenBuckets | undefined =>
      rate === undefined ? undefined : new TokenBuckets(rate, limits.rateBucketCountMax);
    this.#accounts = buckets(accountRate);
    this.#addresses = buckets(addressRate);
    this.#concurrencyMax = addressConcurrencyMax;
  }

  /** True when `enter` and `leave` want to know the address. */
  get needsAddress(): boolean {
    return this.#addresses !== undefined || this.#concurrencyMax !== undefined;
  }

  /** True when it matters how long an answer takes to its last byte. */
  get countsAnswers(): boolean {
    return this.#concurrencyMax !== undefined;
  }

  /** Requests that are being answered. */
  get runningCount(): number {
    return this.#runningCount;
  }

  /**
   * Takes a request in; whoever gets no error calls `leave`.
   *
   * @param address of the caller, where `needsAddress`.
   * @returns why it is sent away.
   */
  enter(address: string, trace: RequestTrace): MicroError | undefined {
    if (this.#runningCount >= limits.requestsInFlightMax) {
      trace.retryAfterSeconds = 1;
      return new MicroError("unavailable", `the server answers ${limits.requestsInFlightMax} requests already`);
    }
    if (address !== "") {
      const key = toNetwork(address);
      const waitMs = this.#addresses?.take(key, Date.now()) ?? 0;
      if (waitMs > 0) return tooMany(trace, waitMs, "requests come faster than one address may send them");
      const running = this.#running.get(key) ?? 0;
      if (this.#concurrencyMax !== undefined && running >= this.#concurrencyMax) {
        const detail = `one address may have ${this.#concurrencyMax} requests under way at a time`;
        return tooMany(trace, 1_000, detail);
      }
      if (this.#concurrencyMax !== undefined) this.#running.set(key, running + 1);
    }
    this.#runningCount += 1;
    return undefined;
  }

  /** The request was answered. @param address as it was given to `enter`. */
  leave(address: string): void {
    this.#runningCount -= 1;
    if (this.#concurrencyMax === undefined) return;
    const key = toNetwork(address);
    const running = (this.#running.get(key) ?? 1) - 1;
    if (running === 0) this.#running.delete(key);
    else this.#running.set(key, running);
  }

  /** Charges a request to its account. @throws MicroError `too_many_requests` */
  charge(account: Account | undefined, trace: RequestTrace): void {
    if (this.#accounts === undefined || account === undefined) return;
    const waitMs = this.#accounts.take(`${account.namespace}/${account.id}`, Date.now());
    if (waitMs > 0) throw tooMany(trace, waitMs, `requests come faster than one account may send them`);
  }
}

function tooMany(trace: RequestTrace, waitMs: number, detail: string): MicroError {
  trace.retryAfterSeconds = Math.ceil(waitMs / 1_000);
  return new MicroError("too_many_requests", detail);
}

/** `1.2.3.4` as it is, also where IPv6 carries it; of another IPv6 address its first four groups. */
export function toNetwork(address: string): string {
  if (!address.includes(":")) return address;
  const carried = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (carried !== undefined) return carried;
  const [head = "", tail] = address.split("::");
  const before = head === "" ? [] : head.split(":");
  if (tail === undefined) return before.slice(0, 4).join(":");
  const after = tail === "" ? [] : tail.split(":");
  const zeros = Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => "0");
  return [...before, ...zeros, ...after].slice(0, 4).join(":");
}
