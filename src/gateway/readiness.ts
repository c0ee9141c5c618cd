/** Why a server should not be sent requests at the moment, as its parts report it. */
export class Readiness {
  readonly #reasons = new Set<{ readonly reason: string }>();
  readonly #listeners = new Set<() => void>();

  /** Reports a reason, which stands until the function that is returned is called. */
  hold(reason: string): () => void {
    const held = { reason };
    this.#reasons.add(held);
    this.#tell();
    return () => {
      if (this.#reasons.delete(held)) this.#tell();
    };
  }

  /** Empty when the server is ready. */
  get reasons(): string[] {
    return [...this.#reasons].map(({ reason }) => reason);
  }

  /** Calls `listener` after each change. Returns what ends that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
