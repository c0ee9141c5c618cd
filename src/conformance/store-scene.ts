import type { Store, StoreChange, StoreScope } from "#interface/store.ts";

/** A store under test, and how to get rid of it. */
export interface StoreUnderTest extends AsyncDisposable {
  readonly store: Store;
  readonly supports: {
    /** Whether one batch may change records of several tables. */
    readonly batchOverTables: boolean;
  };
}

export const encoder = new TextEncoder();
export const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** The store that the parts of the suite share, and what they do with it. */
export class StoreScene {
  readonly #open: () => Promise<StoreUnderTest>;
  #opened: StoreUnderTest | undefined;
  #scopeCount = 0;

  constructor(open: () => Promise<StoreUnderTest>) {
    this.#open = open;
  }

  async open(): Promise<void> {
    this.#opened = await this.#open();
  }

  async close(): Promise<void> {
    await this.#opened?.[Symbol.asyncDispose]();
  }

  get store(): Store {
    return this.#underTest.store;
  }

  get supports(): StoreUnderTest["supports"] {
    return this.#underTest.supports;
  }

  /** A table that no other test uses. */
  readonly freshScope = (): StoreScope => {
    this.#scopeCount += 1;
    return { database: "suite", table: `table-${this.#scopeCount}` };
  };

  /** The value of a key as text; undefined when there is no record. */
  readonly readText = async (scope: StoreScope, key: string): Promise<string | undefined> => {
    const record = await this.store.read(scope, key);
    return record === undefined ? undefined : decoder.decode(record.value);
  };

  get #underTest(): StoreUnderTest {
    if (this.#opened === undefined) throw new Error("the store is not open yet");
    return this.#opened;
  }
}

/** Writes text. */
export function put(
  scope: StoreScope,
  key: string,
  text: string,
  expectedRevision?: number,
): Extract<StoreChange, { kind: "put" }> {
  const change = { kind: "put", scope, key, value: encoder.encode(text) } as const;
  return expectedRevision === undefined ? change : { ...change, expectedRevision };
}

/** Removes a record. */
export function remove(scope: StoreScope, key: string, expectedRevision?: number): StoreChange {
  const change = { kind: "delete", scope, key } as const;
  return expectedRevision === undefined ? change : { ...change, expectedRevision };
}

/** Changes nothing, and makes the others conditional. */
export function check(scope: StoreScope, key: string, expectedRevision: number): StoreChange {
  return { kind: "check", scope, key, expectedRevision };
}
