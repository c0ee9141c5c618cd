/** Where a sealed text belongs. What was sealed for one place cannot be opened at another. */
export interface SealedPlace {
  readonly namespace: string;
  readonly words: readonly string[];
}

/** Keeps texts so that nobody can read them on disk. */
export interface SecretSealer {
  /** @throws MicroError `unavailable` when the keys cannot be read. */
  seal(place: SealedPlace, text: string): Promise<string>;
  /** The text again. @throws MicroError `failed_precondition` when its key is missing, `internal` when it is damaged. */
  open(place: SealedPlace, sealed: string): Promise<string>;
}

/** Whoever keeps sealed texts beside the documents of config: told when the key changes. */
export interface SealedHolder {
  /**
   * Replaces what an old key sealed, and says how many that were. What it seals meanwhile is sealed with the new key.
   *
   * @param renew gives undefined for what may stay
   */
  renewSecrets(renew: (place: SealedPlace, sealed: string) => string | undefined): Promise<number>;
}
