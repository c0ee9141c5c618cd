import { backoffMs } from "#base/backoff.ts";
import { MicroError } from "#base/error.ts";
import { isRecord } from "#base/json.ts";
import type { Credentials } from "./environment.ts";

/** Gives the access token of this process. */
export interface TokenSource {
  /**
   * A token that is valid now, or undefined where the process has no credentials.
   *
   * @throws MicroError of the auth service when a token cannot be had.
   */
  token(): Promise<string | undefined>;
  /** Says that a server refused `token`: the next call of `token()` asks for a new one. */
  refuse(token: string): void;
}

/** Wall time, which jumps, and time since the process started, which stops while the machine sleeps. */
export interface TokenClock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Milliseconds that never go backwards. */
  monotonicNow(): number;
}

export interface TokenSourceDeps {
  /** The credentials as they are now. */
  readonly credentials: () => Credentials | undefined;
  /** Calls `auth/Auth.Token` without a token and returns the JSON of its answer. */
  readonly requestToken: (request: {
    readonly id: string;
    readonly secret: string;
    readonly token_expiry: number;
    readonly options: { readonly namespace: string };
  }) => Promise<unknown>;
  readonly namespace: string;
  readonly clock?: TokenClock;
}

/** What is asked for; the server may give more. An hour keeps a stolen token short-lived and asks seldom. */
const wishedExpirySeconds = 3_600;

/** A token is renewed when this share of its life is over, so that none expires on its way. */
const freshShare = 0.8;

/** A token that is younger than this was refused for what it may not do, and a new one would fare no better. */
const refusalAgeMinMs = 10_000;

interface HeldToken {
  readonly text: string;
  readonly lifeMs: number;
  readonly receivedAtMs: number;
  readonly receivedAtMonotonicMs: number;
}

/**
 * Keeps one token fresh. Nothing runs in the background: the age is looked at when the token is used, by both clocks,
 * so a machine that slept or whose time was set finds out at its next call. One request is under way at a time, and
 * after a failure none is sent before a back-off is over.
 */
export function createTokenSource(deps: TokenSourceDeps): TokenSource {
  const clock = deps.clock ?? { now: () => Date.now(), monotonicNow: () => performance.now() };
  let held: HeldToken | undefined;
  let underWay: Promise<string | undefined> | undefined;
  let failure: { readonly error: MicroError; readonly count: number; readonly retryAtMs: number } | undefined;

  const fetchToken = async (): Promise<string | undefined> => {
    const credentials = deps.credentials();
    if (credentials === undefined) return undefined;
    const request = { ...credentials, token_expiry: wishedExpirySeconds, options: { namespace: deps.namespace } };
    const answer = parseAnswer(await deps.requestToken(request));
    held = { ...answer, receivedAtMs: clock.now(), receivedAtMonotonicMs: clock.monotonicNow() };
    failure = undefined;
    return held.text;
  };

  const renew = async (): Promise<string | undefined> => {
    try {
      return await fetchToken();
    } catch (reason) {
      const error = MicroError.from(reason, { at: "auth.Token" });
      const count = (failure?.count ?? 0) + 1;
      failure = { error, count, retryAtMs: clock.monotonicNow() + backoffMs(count, { maxMs: 10_000 }) };
      // A token that is only due for renewal still serves.
      if (held !== undefined && ageShare(held, clock) < 1) return held.text;
      throw error;
    }
  };

  return {
    token: async () => {
      if (held !== undefined && ageShare(held, clock) < freshShare) return held.text;
      if (failure !== undefined && clock.monotonicNow() < failure.retryAtMs) {
        if (held !== undefined && ageShare(held, clock) < 1) return held.text;
        throw failure.error;
      }
      underWay ??= renew().finally(() => {
        underWay = undefined;
      });
      return underWay;
    },
    refuse: (token) => {
      if (held?.text !== token) return;
      if (clock.monotonicNow() - held.receivedAtMonotonicMs >= refusalAgeMinMs) held = undefined;
    },
  };
}

/** How much of its life is over, 0 to 1 and beyond. A wall clock that went backwards says nothing, so it counts as over. */
function ageShare(token: HeldToken, clock: TokenClock): number {
  const wallMs = clock.now() - token.receivedAtMs;
  if (wallMs < -clockStepMs) return 1;
  return Math.max(wallMs, clock.monotonicNow() - token.receivedAtMonotonicMs) / token.lifeMs;
}

/** Smaller steps backwards are time synchronisation at work. */
const clockStepMs = 5_000;

/** The life is counted from the two times of the server, so that its clock need not agree with ours. */
function parseAnswer(answer: unknown): { text: string; lifeMs: number } {
  const token = isRecord(answer) ? answer["token"] : undefined;
  if (isRecord(token) && typeof token["access_token"] === "string") {
    const lifeMs = (Number(token["expiry"]) - Number(token["created"])) * 1_000;
    if (Number.isFinite(lifeMs) && lifeMs > 0) return { text: token["access_token"], lifeMs };
  }
  throw new MicroError("bad_gateway", "the auth service answered without a token", { at: "auth.Token" });
}
