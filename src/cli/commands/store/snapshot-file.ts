import { createHash, type Hash } from "node:crypto";
import { CommandError } from "#cli/command-error.ts";
import { readFileLines } from "#cli/read-lines.ts";
import { fieldsOf, numberOf, textOf } from "#cli/service-answer.ts";
import { readMetadata, type MetadataField } from "./store-record.ts";
import type { RecordScope } from "./store-scope.ts";

/**
 * A snapshot is JSON lines: a head, one line for each record, and an end that counts them and holds the checksum of all
 * lines before it, so that what was cut off or changed is noticed.
 */
const format = "micro-store-snapshot";
const formatVersion = 1;

/** A record in a snapshot. */
export interface SnapshotRecord extends RecordScope {
  readonly key: string;
  readonly value: Uint8Array;
  readonly metadata: Readonly<Record<string, MetadataField>>;
  /** Milliseconds since the epoch; undefined for a record that stays. */
  readonly expiresAtMs: number | undefined;
}

/** Makes the lines of a snapshot, each with its line break. */
export class SnapshotWriter {
  readonly #hash: Hash = createHash("sha256");
  #count = 0;

  head(createdAtMs: number): string {
    return this.#line({ format, format_version: formatVersion, created: new Date(createdAtMs).toISOString() });
  }

  record({ database, table, key, value, metadata, expiresAtMs }: SnapshotRecord): string {
    this.#count += 1;
    return this.#line({
      database,
      table,
      key,
      value: Buffer.from(value).toString("base64"),
      ...(Object.keys(metadata).length === 0 ? {} : { metadata }),
      ...(expiresAtMs === undefined ? {} : { expires_at: new Date(expiresAtMs).toISOString() }),
    });
  }

  end(): string {
    return `${JSON.stringify({ records: this.#count, sha256: this.#hash.digest("hex") })}\n`;
  }

  #line(content: object): string {
    const line = `${JSON.stringify(content)}\n`;
    this.#hash.update(line);
    return line;
  }
}

/**
 * The records of a snapshot, one after another. It is known to be whole only when they have all been read.
 *
 * @throws CommandError that names the line which is damaged.
 */
export async function* readSnapshot(path: string): AsyncGenerator<SnapshotRecord> {
  const hash = createHash("sha256");
  let number = 0;
  let count = 0;
  let isEnded = false;
  for await (const line of readFileLines(path)) {
    number += 1;
    const at = `${path} line ${number}`;
    if (isEnded) throw new CommandError(`${at} is behind the end of the snapshot`);
    const value = parseLine(line, at);
    if (number === 1) requireHead(value, at);
    else if ("records" in value) {
      isEnded = true;
      if (numberOf(value["records"]) !== count || textOf(value["sha256"]) !== hash.digest("hex")) {
        throw new CommandError(`${at}: the snapshot is damaged, its checksum does not hold`);
      }
      continue;
    } else {
      count += 1;
      yield toRecord(value, at);
    }
    hash.update(`${line}\n`);
  }
  if (!isEnded) throw new CommandError(`${path} is cut off after line ${number}: its end is missing`);
}

function parseLine(line: string, at: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return fieldsOf(value);
  } catch (cause) {
    throw new CommandError(`${at} is damaged: it is not JSON`, { cause });
  }
  throw new CommandError(`${at} is damaged: it is no record`);
}

function requireHead(value: Readonly<Record<string, unknown>>, at: string): void {
  const version = numberOf(value["format_version"]);
  if (value["format"] !== format) throw new CommandError(`${at}: this is no snapshot of a store`);
  if (version === formatVersion) return;
  throw new CommandError(
    `${at}: the snapshot has format ${version}, this micro reads ${formatVersion}: use a newer one`,
  );
}

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

function toRecord(value: Readonly<Record<string, unknown>>, at: string): SnapshotRecord {
  const { database, table, key, value: content, expires_at: expiresAt } = value;
  const texts = [database, table, key].every((each) => typeof each === "string" && each !== "");
  const expiresAtMs = expiresAt === undefined ? undefined : Date.parse(textOf(expiresAt));
  if (!texts || typeof content !== "string" || !base64.test(content) || Number.isNaN(expiresAtMs)) {
    throw new CommandError(`${at} is damaged: it is no record`);
  }
  return {
    database: textOf(database),
    table: textOf(table),
    key: textOf(key),
    value: Buffer.from(content, "base64"),
    metadata: readMetadata(value["metadata"]),
    expiresAtMs,
  };
}
