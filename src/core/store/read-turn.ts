import type { Database } from "bun:sqlite";

/**
 * Lets the reads of one turn of the event loop share one look at the file: locking it and asking for its newest state
 * costs as much as the read itself.
 *
 * A write is acknowledged in a turn of its own, so that whoever reads behind it sees it.
 */
export class ReadTurn {
  readonly #database: Database;
  readonly #begin;
  readonly #commit;
  #isOpen = false;

  constructor(database: Database) {
    this.#database = database;
    this.#begin = database.prepare("BEGIN");
    this.#commit = database.prepare("COMMIT");
  }

  /** Call it before each read. */
  open(): void {
    if (this.#isOpen) return;
    this.#begin.run();
    this.#isOpen = true;
    queueMicrotask(() => this.#end());
  }

  /** Frees the statements. */
  close(): void {
    this.#end();
    this.#begin.finalize();
    this.#commit.finalize();
  }

  #end(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    // After some failures SQLite has ended the transaction by itself.
    if (this.#database.inTransaction) this.#commit.run();
  }
}
