import type { Database } from "bun:sqlite";
import type { EntryPacker, PackedRequest } from "#sqlite/group-commit.ts";
import type { FileWriter } from "#sqlite/serve-writer.ts";
import type { SqliteFormat } from "#sqlite/sqlite-format.ts";
import { MicroError } from "#base/error.ts";

/** The smallest block there could be: numbers in a table. */
export const numberFormat: SqliteFormat = {
  at: "numbers",
  what: "number",
  checkBytesMax: Number.POSITIVE_INFINITY,
  migrations: ["CREATE TABLE number (value INTEGER NOT NULL)"],
};

/** The same with a log that is moved by a thread of its own, and is soon long. */
export const checkpointedFormat: SqliteFormat = { ...numberFormat, logPageCount: 64 };

export type NumberRequest =
  | { readonly kind: "add"; readonly values: readonly number[] }
  /** Ends the thread before it answers. */
  | { readonly kind: "die" };

export interface NumberReply {
  /** How many numbers there are after each one that was added. */
  readonly counts: readonly number[];
}

/** Adds all numbers of a request in one commit. */
export class NumberWriter implements FileWriter<NumberRequest, NumberReply> {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  answer(request: NumberRequest): NumberReply {
    if (request.kind === "die") return process.exit(1);
    const counts: number[] = [];
    this.#database.transaction(() => {
      for (const value of request.values) {
        const { lastInsertRowid } = this.#database.query("INSERT INTO number VALUES (?)").run(value);
        counts.push(Number(lastInsertRowid));
      }
    })();
    return { counts };
  }

  close(): void {
    this.#database.close();
  }
}

/** Numbers above 100 are refused one by one. */
export class NumberPacker implements EntryPacker<number, number, NumberRequest, NumberReply> {
  readonly #values: number[] = [];

  get byteCount(): number {
    return this.#values.length * 8;
  }

  add(value: number): void {
    this.#values.push(value);
  }

  finish(): PackedRequest<NumberRequest> {
    return { request: { kind: "add", values: this.#values }, bytes: new Uint8Array(0) };
  }

  readReply({ counts }: NumberReply): readonly (number | MicroError)[] {
    return this.#values.map((value, index) =>
      value > 100 ? new MicroError("invalid_argument", `${value} is too big`) : (counts[index] ?? 0),
    );
  }
}
