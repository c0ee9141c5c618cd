/** Something that was refused or changed, for those who administer a namespace. Holds no secret and no token. */
export interface AuditNote {
  /** Whose administrators read it. */
  readonly namespace: string;
  /** What happened: `refused`, `login`, `account created` … */
  readonly action: string;
  /** Who did it; absent without an account. The server itself is `server` of namespace `micro`. */
  readonly account?: { readonly id: string; readonly namespace: string } | undefined;
  /** What it was about: an endpoint, an account, a rule. */
  readonly subject: string;
  /** Where the call came from, without the port; empty for what the server did by itself. */
  readonly address: string;
  /** Why it was refused, or what the change was. */
  readonly detail: string;
}

/** A note as it is kept: what happened again within a minute is one entry. */
export interface AuditEntry extends AuditNote {
  /** Milliseconds since the epoch. */
  readonly firstMs: number;
  /** The same as `firstMs` for what happened once. */
  readonly lastMs: number;
  readonly count: number;
}

/** Takes notes of what was refused and changed. */
export interface AuditSink {
  /** Of what may happen at any rate, such as refusals: kept within a second or so, never waits, never throws. */
  note(note: AuditNote): void;
  /** Of a change: kept when this returns. @throws MicroError `unavailable` when the disk refuses. */
  change(note: AuditNote): Promise<void>;
}
