import { bytesOf } from "#cli/output/format-bytes.ts";
import { fieldsOf, numberOf, textOf, type Fields } from "#cli/service-answer.ts";

/** A typed fact beside a value. */
export interface MetadataField {
  readonly type: string;
  readonly value: string;
}

/** A record as the store answers with it. */
export interface StoredRecord {
  readonly key: string;
  readonly value: Uint8Array;
  readonly metadata: Readonly<Record<string, MetadataField>>;
  /** Remaining life in milliseconds; undefined for one that stays. */
  readonly expiryMs: number | undefined;
  /** The end of its life, milliseconds since the epoch; undefined for one that stays. */
  readonly expiresAtMs: number | undefined;
  readonly revision: number;
}

export function readRecord(fields: Fields): StoredRecord {
  return {
    key: textOf(fields["key"]),
    value: bytesOf(fields["value"]),
    metadata: readMetadata(fields["metadata"]),
    expiryMs: numberOf(fields["expiry_ms"]) || numberOf(fields["expiry"]) * 1_000 || undefined,
    expiresAtMs: numberOf(fields["expires_at_ms"]) || undefined,
    revision: numberOf(fields["revision"]),
  };
}

/** Metadata of an answer, or of a line of a snapshot. */
export function readMetadata(value: unknown): Readonly<Record<string, MetadataField>> {
  const entries = Object.entries(fieldsOf(value)).map(([name, each]) => {
    const field = fieldsOf(each);
    return [name, { type: textOf(field["type"]) || "string", value: textOf(field["value"]) }] as const;
  });
  return Object.fromEntries(entries);
}

/** A record as the store takes it. What is said of its life as a moment goes before what is said as a time. */
export function writeRecord(
  record: Partial<Omit<StoredRecord, "revision">> & Pick<StoredRecord, "key" | "value">,
): object {
  const { key, value, metadata = {}, expiryMs, expiresAtMs } = record;
  return {
    key,
    value: Buffer.from(value).toString("base64"),
    metadata,
    ...(expiryMs === undefined ? {} : { expiry_ms: expiryMs }),
    ...(expiresAtMs === undefined ? {} : { expires_at_ms: expiresAtMs }),
  };
}
