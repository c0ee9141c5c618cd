/** Why a server should not be sent requests at the moment, as its parts report it. */
export class Readiness {
  readonly #reasons = new Set<{ readonly reason: string }>();

  /** Reports a reason, which stands until the function that is returned is called. */
  hold(reason: string): () => void {
    const held = { reason };
    this.#reasons.add(held);
    return () => this.#reasons.delete(held);
  }

  /** Empty when the server is ready. */
  get reasons(): string[] {
    return [...this.#reasons].map(({ reason }) => reason);
  }
}
