import { isRecord } from "#base/json.ts";
import { MicroError } from "#base/error.ts";
import type { ConfigRevision } from "#interface/config.ts";
import type { Undo } from "./change-tree.ts";
import type { ConfigNode } from "./config-node.ts";
import { decodeNode, decodeUndo, encodeNode, encodeUndo } from "./node-codec.ts";

/** The document of a namespace. */
export interface ConfigDocument {
  /** 0: there has never been one. */
  readonly revision: number;
  /** Undefined: nothing is in it. */
  readonly root: ConfigNode | undefined;
}

/** Version of what is kept in the store; a newer one is refused. */
const format = 1;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function encodeDocument({ revision, root }: ConfigDocument): Uint8Array {
  return toBytes({ format, revision, root: root === undefined ? null : encodeNode(root) });
}

/** @throws MicroError `internal` for damaged bytes, `failed_precondition` for those of a newer version. */
export function decodeDocument(bytes: Uint8Array): ConfigDocument {
  const { revision, root } = fromBytes(bytes);
  return { revision: toCount(revision), root: root === null ? undefined : decodeNode(root) };
}

export function encodeEntry(entry: ConfigRevision): Uint8Array {
  return toBytes({ format, ...entry });
}

/** @throws MicroError as {@link decodeDocument}. */
export function decodeEntry(bytes: Uint8Array): ConfigRevision {
  const { revision, path, json, timestampMs, account, rolledBackTo } = fromBytes(bytes);
  if (typeof path !== "string" || typeof account !== "string") throw damaged();
  return {
    revision: toCount(revision),
    path,
    json: typeof json === "string" ? json : undefined,
    timestampMs: toCount(timestampMs),
    account,
    ...(rolledBackTo === undefined ? {} : { rolledBackTo: toCount(rolledBackTo) }),
  };
}

export function encodeUndoRecord(undo: Undo): Uint8Array {
  return toBytes({ format, undo: encodeUndo(undo) });
}

/** @throws MicroError as {@link decodeDocument}. */
export function decodeUndoRecord(bytes: Uint8Array): Undo {
  return decodeUndo(fromBytes(bytes)["undo"]);
}

function toBytes(value: object): Uint8Array {
  return encoder.encode(JSON.stringify(value));
}

function fromBytes(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  const value = parse(bytes);
  if (!isRecord(value)) throw damaged();
  if (value["format"] === format) return value;
  const detail = "the configuration was written by a newer version of Micro: run that version";
  throw new MicroError("failed_precondition", detail);
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(bytes));
  } catch (cause) {
    throw damaged(cause);
  }
}

function toCount(value: unknown): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw damaged();
}

function damaged(cause?: unknown): MicroError {
  return new MicroError("internal", "a record of config is damaged", cause === undefined ? {} : { cause });
}
