import { joinBytes } from "#base/join-bytes.ts";
import { OutcomeSchema, type Outcome } from "#gen/store/store_pb.ts";

import type { StoreRecord } from "#interface/store.ts";
import {
  bytesField,
  lengthFieldSize,
  varintSize,
  writeBytes,
  writeLengthHead,
  writeVarint,
} from "#rpc/proto-fields.ts";
import { protoMessage } from "#rpc/proto-message.ts";
import type { TaskOutcome } from "./store-task.ts";
import { fromRecord } from "./store-wire.ts";

const outcomeType = protoMessage(OutcomeSchema);
const encoder = new TextEncoder();

/** Writes a `store.ExecuteResponse`; what callers ask for by the thousand is written by hand. */
export function encodeOutcomes(outcomes: readonly TaskOutcome[]): Uint8Array {
  return joinBytes(outcomes.map(encodeOutcome));
}

/** An outcome as the library takes it. */
export function toOutcome(outcome: TaskOutcome): Outcome {
  return { $typeName: "store.Outcome", result: toResult(outcome) };
}

function toResult(outcome: TaskOutcome): Outcome["result"] {
  switch (outcome.kind) {
    case "read": {
      const records = [fromRecord(outcome.record, outcome.nowMs)];
      return { case: "read", value: { $typeName: "store.ReadResponse", records } };
    }
    case "written":
      return { case: "write", value: { $typeName: "store.WriteResponse", revision: BigInt(outcome.revision) } };
    case "deleted":
      return { case: "delete", value: { $typeName: "store.DeleteResponse" } };
    case "failed": {
      const { code, detail } = outcome;
      return { case: "failure", value: { $typeName: "store.Failure", code, detail } };
    }
    default:
      return outcome.result;
  }
}

/** Field 1 of the answer. */
function encodeOutcome(outcome: TaskOutcome): Uint8Array {
  if (outcome.kind === "written") return encodeWritten(outcome.revision);
  if (outcome.kind === "read" && isPlain(outcome.record)) return encodeRead(outcome.record);
  return bytesField(1, outcomeType.binary.encode(toOutcome(outcome)));
}

/** Field 100 of a record, and of what a write answers: a varint. */
const revisionTag = 100 * 8;
const revisionTagBytes = varintSize(revisionTag);

function encodeWritten(revision: number): Uint8Array {
  const responseBytes = revisionTagBytes + varintSize(revision);
  const outcomeBytes = lengthFieldSize(2, responseBytes);
  const field = new Uint8Array(lengthFieldSize(1, outcomeBytes));
  const at = writeLengthHead(field, writeLengthHead(field, 0, 1, outcomeBytes), 2, responseBytes);
  writeVarint(field, writeVarint(field, at, revisionTag), revision);
  return field;
}

function isPlain({ expiresAtMs, metadata }: StoreRecord): boolean {
  if (expiresAtMs !== undefined) return false;
  for (const _ in metadata) return false;
  return true;
}

function encodeRead({ key, value, revision }: StoreRecord): Uint8Array {
  const keyBytes = encoder.encode(key);
  const valueBytes = value.byteLength === 0 ? 0 : lengthFieldSize(2, value.byteLength);
  const recordBytes = lengthFieldSize(1, keyBytes.byteLength) + valueBytes + revisionTagBytes + varintSize(revision);
  const responseBytes = lengthFieldSize(1, recordBytes);
  const outcomeBytes = lengthFieldSize(1, responseBytes);
  const field = new Uint8Array(lengthFieldSize(1, outcomeBytes));
  let at = writeLengthHead(field, 0, 1, outcomeBytes);
  at = writeLengthHead(field, writeLengthHead(field, at, 1, responseBytes), 1, recordBytes);
  at = writeBytes(field, at, 1, keyBytes);
  if (valueBytes > 0) at = writeBytes(field, at, 2, value);
  writeVarint(field, writeVarint(field, at, revisionTag), revision);
  return field;
}
