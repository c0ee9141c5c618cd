import type { NewEvent } from "#interface/events.ts";

/**
 * An event in the bytes that are kept: flags (u8), length of the payload (u32), then, each where its flag is set, its own
 * time (f64), the length of its id (u16) and of its metadata (u32), then id, metadata as JSON, and payload.
 */
const hasId = 1;
const hasMetadata = 2;
const hasTime = 4;
const smallHeadBytes = 5;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Where the parts of a record lie in the bytes around it. */
export interface RecordHead {
  /** The event's own time; undefined: when it arrived. */
  readonly timestampMs: number | undefined;
  readonly idAt: number;
  readonly idBytes: number;
  readonly metadataBytes: number;
  readonly payloadBytes: number;
  /** Behind the record. */
  readonly end: number;
}

/** The most that a record takes, without a look at every character. */
export function recordBytesMax({ id, payload }: NewEvent, metadata: string): number {
  return smallHeadBytes + 14 + (id === undefined ? 0 : id.length * 3) + metadata.length * 3 + payload.byteLength;
}

/** What a record has before its id, its metadata and its payload. */
export function headBytes({ id, timestampMs }: NewEvent, metadata: string): number {
  return smallHeadBytes + (timestampMs === undefined ? 0 : 8) + (id === undefined ? 0 : 2) + (metadata === "" ? 0 : 4);
}

/** Writes a record and says where it ends. There must be room for `recordBytesMax`. */
export function writeRecord(
  room: { readonly bytes: Uint8Array; readonly view: DataView },
  start: number,
  event: NewEvent,
  metadata: string,
): number {
  const { bytes, view } = room;
  const { id, payload, timestampMs } = event;
  const flags =
    (id === undefined ? 0 : hasId) | (metadata === "" ? 0 : hasMetadata) | (timestampMs === undefined ? 0 : hasTime);
  view.setUint8(start, flags);
  view.setUint32(start + 1, payload.byteLength);
  let head = start + smallHeadBytes;
  if (timestampMs !== undefined) {
    view.setFloat64(head, timestampMs);
    head += 8;
  }
  let at = head + (id === undefined ? 0 : 2) + (metadata === "" ? 0 : 4);
  if (id !== undefined) {
    const { written } = encoder.encodeInto(id, bytes.subarray(at));
    view.setUint16(head, written);
    head += 2;
    at += written;
  }
  if (metadata !== "") {
    const { written } = encoder.encodeInto(metadata, bytes.subarray(at));
    view.setUint32(head, written);
    at += written;
  }
  bytes.set(payload, at);
  return at + payload.byteLength;
}

export function readHead(view: DataView, start: number): RecordHead {
  const flags = view.getUint8(start);
  const payloadBytes = view.getUint32(start + 1);
  let at = start + smallHeadBytes;
  let timestampMs: number | undefined;
  let idBytes = 0;
  let metadataBytes = 0;
  if ((flags & hasTime) !== 0) {
    timestampMs = view.getFloat64(at);
    at += 8;
  }
  if ((flags & hasId) !== 0) {
    idBytes = view.getUint16(at);
    at += 2;
  }
  if ((flags & hasMetadata) !== 0) {
    metadataBytes = view.getUint32(at);
    at += 4;
  }
  return {
    timestampMs,
    idAt: at,
    idBytes,
    metadataBytes,
    payloadBytes,
    end: at + idBytes + metadataBytes + payloadBytes,
  };
}

/** Id, metadata and payload of a record: what counts as the size of an event. */
export function contentBytes({ idBytes, metadataBytes, payloadBytes }: RecordHead): number {
  return idBytes + metadataBytes + payloadBytes;
}

/** The id that the publisher gave, if any. */
export function readId(bytes: Uint8Array, { idAt, idBytes }: RecordHead): string | undefined {
  return idBytes === 0 ? undefined : decoder.decode(bytes.subarray(idAt, idAt + idBytes));
}

/** JSON; empty when there is none. */
export function readMetadata(bytes: Uint8Array, { idAt, idBytes, metadataBytes }: RecordHead): string {
  const at = idAt + idBytes;
  return metadataBytes === 0 ? "" : decoder.decode(bytes.subarray(at, at + metadataBytes));
}
