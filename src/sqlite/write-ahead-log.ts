import type { Database } from "bun:sqlite";

/** How long the log of a file is. */
export interface LogState {
  readonly pageCount: number;
  /** The first so many of them are in the file. Once all are, they are on disk there and the next commit begins the log anew. */
  readonly movedCount: number;
}

interface CheckpointRow {
  readonly log: number;
  readonly checkpointed: number;
}

/** The log of a file, seen through one of its connections. */
export class WriteAheadLog {
  readonly #look;
  readonly #move;

  constructor(database: Database) {
    this.#look = database.prepare<CheckpointRow, []>("PRAGMA wal_checkpoint(NOOP)");
    this.#move = database.prepare<CheckpointRow, []>("PRAGMA wal_checkpoint(PASSIVE)");
  }

  /** Touches no file, and throws nothing: it is asked behind commits, which are done whatever it says. */
  state(): LogState {
    try {
      return toState(this.#look.get());
    } catch {
      return { pageCount: 0, movedCount: 0 };
    }
  }

  /**
   * Moves the pages into the file that were committed before this call, as far as nobody reads an older state. Holds up
   * neither readers nor who writes through another connection. When it was all of the log, it is on disk in the file.
   *
   * @throws SQLiteError when the disk refuses; then nothing is lost.
   */
  move(): LogState {
    return toState(this.#move.get());
  }

  /** Frees the statements: SQLite keeps a connection open, behind the scenes, as long as it has some. */
  finalize(): void {
    for (const statement of [this.#look, this.#move]) statement.finalize();
  }
}

function toState(row: CheckpointRow | null): LogState {
  return { pageCount: row?.log ?? 0, movedCount: row?.checkpointed ?? 0 };
}
