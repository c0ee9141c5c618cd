import { joinBytes } from "#base/join-bytes.ts";
import type { StoreRecord } from "#interface/store.ts";
import {
  bytesField,
  integerField,
  lengthFieldSize,
  ProtoFields,
  varintSize,
  writeBytes,
  writeLengthHead,
  writeVarint,
} from "#rpc/proto-fields.ts";
import { setOwn } from "#rpc/set-own.ts";
import { createBinaryType } from "./binary-type.ts";
import type { CallOptions } from "./caller.ts";
import type { StoreValue, WriteOptions } from "./store-table.ts";
import { requireCount, requireText } from "./store-wire.ts";

/**
 * `store.ExecuteRequest` and its answer, written by hand: a client has tens of thousands of tasks a second, of which the
 * library makes several objects each. Every task is encoded when it is asked for, so that the caller may use its memory
 * again at once; a call is the tasks one behind the other.
 */
export const executeTypes: NonNullable<CallOptions["types"]> = {
  // The pipeline gives tasks and takes outcomes, and nobody else uses this.
  input: createBinaryType("ExecuteRequest", { encode: (tasks) => joinBytes(tasks as readonly Uint8Array[]) }),
  output: createBinaryType("ExecuteResponse", { decode: decodeOutcomes }),
};

/** What became of a task; of a read that found nothing and of a delete, neither field says anything. */
export interface TaskOutcome {
  readonly record?: StoreRecord;
  /** Of a write; else 0. */
  readonly revision: number;
  /** Why it was not done. */
  readonly failure?: { readonly code: number; readonly detail: string };
}

const encoder = new TextEncoder();
const noBytes = new Uint8Array(0);

/** The options that reads, writes and deletes of a table have in common. */
export function encodeWhere(where: { readonly database: string; readonly table: string }): Uint8Array {
  return bytesField(2, joinBytes([textField(1, where.database), textField(2, where.table)]));
}

/** @param where of `encodeWhere`. @throws MicroError `invalid_argument` for text that is none. */
export function encodeRead(where: Uint8Array, key: string): Uint8Array {
  return encodeKeyed(1, { where, key: encodeText("key", key), condition: noBytes });
}

/** @param where of `encodeWhere`. @throws MicroError `invalid_argument` for what the store would take for something else. */
export function encodeDelete(where: Uint8Array, key: string, expectedRevision: number | undefined): Uint8Array {
  return encodeKeyed(3, { where, key: encodeText("key", key), condition: encodeCondition(expectedRevision) });
}

/** A record as it is asked for. */
export interface NewRecord {
  readonly key: string;
  readonly value: StoreValue;
  readonly options: WriteOptions;
}

/** @param where of `encodeWhere`. @throws MicroError `invalid_argument` for what the store would take for something else. */
export function encodeWrite(where: Uint8Array, { key, value, options }: NewRecord): Uint8Array {
  const keyBytes = encodeText("key", key);
  const valueBytes = typeof value === "string" ? encodeText("value", value) : value;
  const rest = encodeRest(options);
  const condition = encodeCondition(options.expectedRevision);
  const recordBytes =
    lengthFieldSize(1, keyBytes.byteLength) + lengthFieldSize(2, valueBytes.byteLength) + rest.byteLength;
  const requestBytes = lengthFieldSize(1, recordBytes) + where.byteLength + condition.byteLength;
  const taskBytes = lengthFieldSize(2, requestBytes);
  const task = new Uint8Array(lengthFieldSize(1, taskBytes));
  let at = writeLengthHead(task, writeLengthHead(task, 0, 1, taskBytes), 2, requestBytes);
  at = writeLengthHead(task, at, 1, recordBytes);
  at = writeBytes(task, writeBytes(task, at, 1, keyBytes), 2, valueBytes);
  task.set(rest, at);
  task.set(where, at + rest.byteLength);
  task.set(condition, at + rest.byteLength + where.byteLength);
  return task;
}

interface KeyedParts {
  readonly where: Uint8Array;
  readonly key: Uint8Array;
  readonly condition: Uint8Array;
}

/** @param number of the task's field. */
function encodeKeyed(number: number, { where, key, condition }: KeyedParts): Uint8Array {
  const requestBytes = lengthFieldSize(1, key.byteLength) + where.byteLength + condition.byteLength;
  const taskBytes = lengthFieldSize(number, requestBytes);
  const task = new Uint8Array(lengthFieldSize(1, taskBytes));
  let at = writeLengthHead(task, writeLengthHead(task, 0, 1, taskBytes), number, requestBytes);
  at = writeBytes(task, at, 1, key);
  task.set(where, at);
  task.set(condition, at + where.byteLength);
  return task;
}

/** What few records have: metadata and an end. */
function encodeRest({ metadata, expiresInMs, expiresAtMs }: WriteOptions): Uint8Array {
  if (metadata === undefined && expiresInMs === undefined && expiresAtMs === undefined) return noBytes;
  const fields = Object.entries(metadata ?? {}).map(([name, text]) => metadataField(name, text));
  if (expiresInMs !== undefined) fields.push(integerField(101, requireCount("expiresInMs", expiresInMs, 1)));
  if (expiresAtMs !== undefined) fields.push(integerField(102, requireCount("expiresAtMs", expiresAtMs, 1)));
  return joinBytes(fields);
}

function metadataField(name: string, text: string): Uint8Array {
  const value = joinBytes([textField(1, "string"), bytesField(2, encodeText("metadata", text))]);
  return bytesField(4, joinBytes([bytesField(1, encodeText("metadata", name)), bytesField(2, value)]));
}

/** Field 100 of a change, which is said even when it is 0: then there must be no record. */
const conditionTag = 100 * 8;

function encodeCondition(expectedRevision: number | undefined): Uint8Array {
  if (expectedRevision === undefined) return noBytes;
  const revision = requireCount("expectedRevision", expectedRevision);
  const field = new Uint8Array(varintSize(conditionTag) + varintSize(revision));
  writeVarint(field, writeVarint(field, 0, conditionTag), revision);
  return field;
}

function encodeText(what: string, text: string): Uint8Array {
  return encoder.encode(requireText(what, text));
}

function textField(number: number, text: string): Uint8Array {
  return bytesField(number, encoder.encode(text));
}

function decodeOutcomes(bytes: Uint8Array): readonly TaskOutcome[] {
  const outcomes: TaskOutcome[] = [];
  for (const fields = new ProtoFields(bytes); fields.next();) {
    if (fields.number === 1) outcomes.push(decodeOutcome(fields.nested()));
  }
  return outcomes;
}

function decodeOutcome(outcome: ProtoFields): TaskOutcome {
  let decoded: TaskOutcome = { revision: 0 };
  while (outcome.next()) {
    if (outcome.number === 1) decoded = decodeRead(outcome.nested());
    else if (outcome.number === 2) decoded = { revision: readRevision(outcome.nested()) };
    else if (outcome.number === 5) decoded = { revision: 0, failure: decodeFailure(outcome.nested()) };
  }
  return decoded;
}

function decodeRead(response: ProtoFields): TaskOutcome {
  while (response.next()) {
    if (response.number === 1) return { revision: 0, record: decodeRecord(response.nested()) };
  }
  return { revision: 0 };
}

function readRevision(response: ProtoFields): number {
  let revision = 0;
  while (response.next()) if (response.number === 100) revision = response.integer();
  return revision;
}

function decodeFailure(failure: ProtoFields): { readonly code: number; readonly detail: string } {
  let code = 0;
  let detail = "";
  while (failure.next()) {
    if (failure.number === 1) code = failure.integer();
    else if (failure.number === 2) detail = failure.text();
  }
  return { code, detail };
}

function decodeRecord(fields: ProtoFields): StoreRecord {
  const metadata: Record<string, string> = {};
  let key = "";
  let value: Uint8Array = noBytes;
  let revision = 0;
  let expiresAtMs = 0;
  while (fields.next()) {
    if (fields.number === 1) key = fields.text();
    else if (fields.number === 2) value = fields.bytes();
    else if (fields.number === 4) readMetadata(metadata, fields.nested());
    else if (fields.number === 100) revision = fields.integer();
    else if (fields.number === 102) expiresAtMs = fields.integer();
  }
  const record = { key, value, metadata, revision };
  return expiresAtMs === 0 ? record : { ...record, expiresAtMs };
}

/** The type of a piece of metadata is nothing that a record here says. */
function readMetadata(metadata: Record<string, string>, entry: ProtoFields): void {
  let name = "";
  let text = "";
  while (entry.next()) {
    if (entry.number === 1) name = entry.text();
    else if (entry.number === 2) {
      for (const field = entry.nested(); field.next();) if (field.number === 2) text = field.text();
    }
  }
  setOwn(metadata, name, text);
}
