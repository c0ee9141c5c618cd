import { TaskSchema, type Task } from "#gen/store/store_pb.ts";
import type { StoreScope } from "#interface/store.ts";
import { LastRead } from "#rpc/last-read.ts";
import { ProtoFields } from "#rpc/proto-fields.ts";
import { protoMessage } from "#rpc/proto-message.ts";
import type { StoreTask } from "./store-task.ts";
import { toScope } from "./store-wire.ts";

const taskType = protoMessage(TaskSchema);

/**
 * Reads a `store.ExecuteRequest`. Tasks whose fields are the usual ones, each once, are read by hand: the library makes
 * objects and big integers of them that cost more than the work itself. All others are left to it.
 *
 * @throws MicroError `invalid_argument` for bytes that are no such message.
 */
export function decodeTasks(bytes: Uint8Array): readonly StoreTask[] {
  // Tasks that follow one another mostly go to the same table, so that they share a scope as well.
  const scopes = new LastRead(bytes, (start, end) => readScope(new ProtoFields(bytes, start, end)));
  const tasks: StoreTask[] = [];
  for (const fields = new ProtoFields(bytes); fields.next();) {
    if (fields.number !== 1) continue;
    const { start, end } = fields;
    tasks.push(readTask(fields.nested(), scopes) ?? toTask(taskType.binary.decode(bytes.subarray(start, end))));
  }
  return tasks;
}

/** A task as the library reads it. */
export function toTask({ work }: Task): StoreTask {
  return { kind: "other", work };
}

type Scopes = LastRead<StoreScope | undefined>;

/** Undefined for what the library has to read. */
function readTask(task: ProtoFields, scopes: Scopes): StoreTask | undefined {
  if (!task.next()) return undefined;
  const { number } = task;
  if (number < 1 || number > 3) return undefined;
  const work = task.nested();
  const read = number === 2 ? readWrite(work, scopes) : readKeyed(work, scopes, number === 1 ? "read" : "delete");
  return task.next() ? undefined : read;
}

/** A read or a delete: its key, its options, and which revision is expected. */
function readKeyed(work: ProtoFields, scopes: Scopes, kind: "read" | "delete"): StoreTask | undefined {
  let key: string | undefined;
  let scope: StoreScope | undefined;
  let expectedRevision: number | undefined;
  while (work.next()) {
    if (work.number === 1 && key === undefined) key = work.text();
    else if (work.number === 2 && scope === undefined) {
      scope = scopes.read(work.start, work.end);
      if (scope === undefined) return undefined;
    } else if (work.number === 100 && kind === "delete" && expectedRevision === undefined) {
      expectedRevision = work.integer();
    } else return undefined;
  }
  if (key === undefined || scope === undefined) return undefined;
  return kind === "read" ? { kind, scope, key } : { kind, scope, key, expectedRevision };
}

function readWrite(work: ProtoFields, scopes: Scopes): StoreTask | undefined {
  let record: KeyAndValue | undefined;
  let scope: StoreScope | undefined;
  let expectedRevision: number | undefined;
  while (work.next()) {
    if (work.number === 1 && record === undefined) {
      record = readRecord(work.nested());
      if (record === undefined) return undefined;
    } else if (work.number === 2 && scope === undefined) {
      scope = scopes.read(work.start, work.end);
      if (scope === undefined) return undefined;
    } else if (work.number === 100 && expectedRevision === undefined) expectedRevision = work.integer();
    else return undefined;
  }
  if (record === undefined || scope === undefined) return undefined;
  return { kind: "write", scope, key: record.key, value: record.value, expectedRevision };
}

interface KeyAndValue {
  readonly key: string;
  readonly value: Uint8Array;
}

const noBytes = new Uint8Array(0);

/** Undefined for a record that has more than a key and a value. */
function readRecord(record: ProtoFields): KeyAndValue | undefined {
  let key: string | undefined;
  let value: Uint8Array | undefined;
  while (record.next()) {
    if (record.number === 1 && key === undefined) key = record.text();
    else if (record.number === 2 && value === undefined) value = record.bytes();
    else return undefined;
  }
  return key === undefined ? undefined : { key, value: value ?? noBytes };
}

/** Undefined for options that say more than where. */
function readScope(options: ProtoFields): StoreScope | undefined {
  let database = "";
  let table = "";
  while (options.next()) {
    if (options.number === 1 && database === "") database = options.text();
    else if (options.number === 2 && table === "") table = options.text();
    else return undefined;
  }
  return toScope({ database, table });
}
