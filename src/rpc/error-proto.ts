import type { ErrorBody } from "#base/error.ts";

/**
 * Protobuf of the two messages that a failure travels in, written by hand: the library that could do it takes longer to
 * load than everything else that a client or a service needs at its start.
 *
 * `Error { string id = 1; int32 code = 2; string detail = 3; string status = 4; }`
 * `google.rpc.Status { int32 code = 1; string message = 2; repeated google.protobuf.Any details = 3; }`
 * `google.protobuf.Any { string type_url = 1; bytes value = 2; }`
 *
 * @see https://protobuf.dev/programming-guides/encoding/
 */

/** An `Error` as bytes. */
export function encodeErrorProto(body: ErrorBody): Uint8Array {
  return Buffer.concat([text(1, body.id), integer(2, body.code), text(3, body.detail), text(4, body.status)]);
}

/** A `google.rpc.Status` with one detail, as bytes. */
export function encodeStatusProto(
  status: { readonly code: number; readonly message: string },
  detail: { readonly typeUrl: string; readonly value: Uint8Array },
): Uint8Array {
  const any = Buffer.concat([text(1, detail.typeUrl), bytes(2, detail.value)]);
  return Buffer.concat([integer(1, status.code), text(2, status.message), bytes(3, any)]);
}

/** The fields of an `Error`; undefined for bytes that are no protobuf. */
export function decodeErrorProto(data: Uint8Array): Omit<ErrorBody, "status"> | undefined {
  const fields = readFields(data);
  if (fields === undefined) return undefined;
  return { id: lastText(fields, 1), code: lastInteger(fields, 2), detail: lastText(fields, 3) };
}

/** The first detail of a `google.rpc.Status`; undefined when it has none or the bytes are no protobuf. */
export function decodeFirstDetail(
  data: Uint8Array,
): { readonly typeUrl: string; readonly value: Uint8Array } | undefined {
  const detail = readFields(data)?.find((field) => field.number === 3)?.value;
  const any = detail instanceof Uint8Array ? readFields(detail) : undefined;
  if (any === undefined) return undefined;
  const value = any.findLast((field) => field.number === 2)?.value;
  return { typeUrl: lastText(any, 1), value: value instanceof Uint8Array ? value : new Uint8Array() };
}

interface Field {
  readonly number: number;
  /** A varint, or the bytes of a field with a length. Fields of other types are skipped. */
  readonly value: bigint | Uint8Array;
}

const noBytes = new Uint8Array();

function text(number: number, value: string): Uint8Array {
  return bytes(number, Buffer.from(value, "utf8"));
}

/** Default values are left out, as proto3 does. */
function bytes(number: number, value: Uint8Array): Uint8Array {
  if (value.byteLength === 0) return noBytes;
  return Buffer.concat([varint(BigInt(number * 8 + 2)), varint(BigInt(value.byteLength)), value]);
}

function integer(number: number, value: number): Uint8Array {
  if (value === 0) return noBytes;
  return Buffer.concat([varint(BigInt(number * 8)), varint(BigInt.asUintN(64, BigInt(value)))]);
}

function varint(value: bigint): Uint8Array {
  const out: number[] = [];
  let rest = value;
  for (; rest > 127n; rest >>= 7n) out.push(Number(rest & 127n) | 128);
  out.push(Number(rest));
  return Uint8Array.from(out);
}

function readFields(data: Uint8Array): Field[] | undefined {
  const fields: Field[] = [];
  let at = 0;
  const readVarint = (): bigint | undefined => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = data[at];
      if (byte === undefined) return undefined;
      at += 1;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return BigInt.asUintN(64, value);
    }
    return undefined;
  };
  while (at < data.byteLength) {
    const tag = readVarint();
    if (tag === undefined) return undefined;
    const number = Number(tag >> 3n);
    const type = Number(tag & 7n);
    if (type === 0) {
      const value = readVarint();
      if (value === undefined) return undefined;
      fields.push({ number, value });
      continue;
    }
    const length = type === 2 ? readVarint() : type === 1 ? 8n : type === 5 ? 4n : undefined;
    if (length === undefined || length > BigInt(data.byteLength - at)) return undefined;
    const end = at + Number(length);
    if (type === 2) fields.push({ number, value: data.subarray(at, end) });
    at = end;
  }
  return fields;
}

function lastText(fields: readonly Field[], number: number): string {
  const value = fields.findLast((field) => field.number === number)?.value;
  return value instanceof Uint8Array ? new TextDecoder().decode(value) : "";
}

function lastInteger(fields: readonly Field[], number: number): number {
  const value = fields.findLast((field) => field.number === number)?.value;
  return typeof value === "bigint" ? Number(BigInt.asIntN(32, value)) : 0;
}
