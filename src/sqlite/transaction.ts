import type { Database } from "bun:sqlite";

/** Durable commits of one connection, with statements that are prepared once. */
export class Transaction {
  readonly #database: Database;
  readonly #begin;
  readonly #commit;
  readonly #rollback;

  constructor(database: Database) {
    this.#database = database;
    this.#begin = database.prepare("BEGIN IMMEDIATE");
    this.#commit = database.prepare("COMMIT");
    this.#rollback = database.prepare("ROLLBACK");
  }

  /** Commits what `work` does, or nothing of it when `work` or the disk fails. */
  run<T>(work: () => T): T {
    this.#begin.run();
    try {
      const result = work();
      this.#commit.run();
      return result;
    } catch (reason) {
      // SQLite has rolled back by itself after some failures (disk full); then there is nothing left to undo.
      if (this.#database.inTransaction) this.#rollback.run();
      throw reason;
    }
  }

  /** Frees the statements: SQLite keeps a connection open, behind the scenes, as long as it has some. */
  finalize(): void {
    for (const statement of [this.#begin, this.#commit, this.#rollback]) statement.finalize();
  }
}
