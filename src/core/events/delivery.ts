/** Who has an event at hand. */
export interface DeliveryHolder {
  /** By place, the longest at hand first. */
  readonly pending: Map<number, Delivery>;
  readonly config: { readonly retryCountMax: number };
}

/** An event that a group has begun and not finished. */
export interface Delivery {
  readonly sequence: number;
  readonly id: string;
  /** Of payload and metadata, about. */
  readonly bytes: number;
  /** How often it was sent. */
  attempt: number;
  /**
   * `new`: about to be sent for the first time. `sent`: somebody has it. `ready`: it waits for a member. `delayed`: it
   * waits for its time. `given_up`: it is on its way to the dead letters. `finished`: nobody cares any more.
   */
  stage: "new" | "sent" | "ready" | "delayed" | "given_up" | "finished";
  /** Who has it while it is `sent`. */
  holder: DeliveryHolder | undefined;
  /** While it is `sent`: when it is taken back. While it is `delayed`: when it is ready. Milliseconds since the epoch. */
  dueAtMs: number;
}
