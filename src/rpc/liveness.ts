/** A connection whose other side is asked whether it is still there. */
export interface WatchedConnection {
  /** Bytes that have come so far. */
  readonly bytesRead: () => number;
  /** Asks; `onPong` is called when the other side has answered. */
  readonly ping: (onPong: () => void) => void;
}

export interface LivenessConfig {
  /**
   * After how much silence it is asked, in milliseconds: the first time, the second time … and from then on each time the
   * last of them has passed again.
   */
  readonly silencesMs: readonly number[];
  /** How long an answer may take, in milliseconds. */
  readonly timeoutMs: number;
}

/**
 * Finds out that the other side of a connection is gone or hangs, which TCP alone does not tell for a quarter of an hour.
 * Whoever owns it looks at it every now and then while something is waited for.
 */
export class Liveness {
  readonly #connection: WatchedConnection;
  readonly #config: LivenessConfig;
  #bytesSeen = 0;
  #heardAtMs: number;
  #askedCount = 0;
  #askedAtMs: number | undefined;

  constructor(connection: WatchedConnection, config: LivenessConfig, nowMs: number) {
    this.#connection = connection;
    this.#config = config;
    this.#heardAtMs = nowMs;
  }

  /** Nothing is waited for, so silence means nothing. */
  rest(nowMs: number): void {
    this.#heard(nowMs);
  }

  /** One look. False when the other side did not answer in time. */
  check(nowMs: number): boolean {
    if (this.#connection.bytesRead() !== this.#bytesSeen) {
      this.#heard(nowMs);
      return true;
    }
    if (this.#askedAtMs !== undefined) return nowMs - this.#askedAtMs <= this.#config.timeoutMs;
    if (nowMs - this.#heardAtMs >= this.#nextSilenceMs()) this.#ask(nowMs);
    return true;
  }

  #heard(nowMs: number): void {
    this.#bytesSeen = this.#connection.bytesRead();
    this.#heardAtMs = nowMs;
    this.#askedCount = 0;
    this.#askedAtMs = undefined;
  }

  #ask(nowMs: number): void {
    this.#askedCount += 1;
    this.#askedAtMs = nowMs;
    this.#connection.ping(() => {
      this.#askedAtMs = undefined;
      // The answer itself is no news: whoever only answers pings is silent, and is asked ever more rarely.
      this.#bytesSeen = this.#connection.bytesRead();
    });
  }

  #nextSilenceMs(): number {
    const { silencesMs } = this.#config;
    const known = silencesMs[this.#askedCount];
    if (known !== undefined) return known;
    return (silencesMs.at(-1) ?? 0) * (this.#askedCount - silencesMs.length + 2);
  }
}
