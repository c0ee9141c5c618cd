import { MicroError } from "#base/error.ts";
import type { JsonObject } from "#base/json.ts";
import { limits } from "#base/limits.ts";
import type { Value } from "#interface/registry.ts";
import type { Target } from "./find-target.ts";
import type { GatewayRequest } from "./gateway-request.ts";
import { mergeJson } from "./merge-json.ts";
import { readParameter } from "./multipart-message.ts";
import { parseBoundary, readMultipart } from "./multipart.ts";
import type { Parameter } from "./parameters.ts";
import { parseParameters } from "./parameters.ts";
import { parametersToJson } from "./parameters-to-json.ts";
import { isMultipart } from "./request-message.ts";

export interface UploadRequest {
  readonly source: Pick<GatewayRequest, "header" | "body" | "compression">;
  readonly query: string;
  readonly type: Value | undefined;
  /** The field that takes the body. */
  readonly field: string;
  /** How long a piece may be waited for, in milliseconds. @default limits.uploadIdleMs */
  readonly idleMs?: number;
}

/**
 * The field that takes the body of a request, where an endpoint can be called by an upload: it takes a stream of messages
 * that have one field of bytes, and one only. Undefined for all others.
 */
export function findUploadField({ kind, requestType }: Target, method: string): string | undefined {
  if (kind !== "client_stream" || (method !== "POST" && method !== "PUT")) return undefined;
  const fields = requestType?.values.filter(({ type }) => type === "[]uint8") ?? [];
  return fields.length === 1 ? fields[0]?.name : undefined;
}

/**
 * A body, or the file of a form, as the messages of a stream: the first has the fields of the query and of the form beside
 * the first piece, the others have a piece each. They are made as fast as they are taken.
 *
 * @throws MicroError `invalid_argument`, `unsupported_media_type` for a body that is compressed, `timeout` when nothing
 * comes for too long.
 */
export async function* toUpload(request: UploadRequest): AsyncGenerator<Uint8Array> {
  const { source, query, type, field, idleMs = limits.uploadIdleMs } = request;
  if (source.compression !== undefined) {
    throw new MicroError("unsupported_media_type", "an upload is taken as it is; send it without content-encoding");
  }
  const fields = parametersToJson(parseParameters(query, "query"), type);
  const contentType = source.header("content-type") ?? "";
  const body = withPatience(source.body, idleMs);
  if (isMultipart(contentType)) yield* uploadForm(body, { fields, type, field, contentType });
  else yield* toMessages(body, fields, field);
}

/** Fields first, then one file. */
async function* uploadForm(
  body: AsyncIterable<Uint8Array>,
  form: Pick<UploadRequest, "type" | "field"> & { readonly fields: JsonObject; readonly contentType: string },
): AsyncGenerator<Uint8Array> {
  const parameters: Parameter[] = [];
  let hasFile = false;
  for await (const part of readMultipart(body, parseBoundary(form.contentType))) {
    if (hasFile)
      throw new MicroError("invalid_argument", "the form of an upload ends with its one file; fields come first");
    hasFile = part.fileName !== undefined;
    if (!hasFile) {
      parameters.push(await readParameter({ ...part, content: atMost(part.content, limits.headerBytesMax) }));
      continue;
    }
    const fields = mergeJson(form.fields, parametersToJson(parameters, form.type));
    yield* toMessages(part.content, fields, form.field);
  }
  if (!hasFile) throw new MicroError("invalid_argument", "the form of an upload has no file");
}

async function* toMessages(
  pieces: AsyncIterable<Uint8Array>,
  fields: JsonObject,
  field: string,
): AsyncGenerator<Uint8Array> {
  let isFirst = true;
  for await (const piece of pieces) {
    for (let at = 0; at < piece.byteLength; at += limits.uploadPieceBytes) {
      const part = piece.subarray(at, at + limits.uploadPieceBytes);
      yield toMessage(isFirst ? fields : {}, field, part);
      isFirst = false;
    }
  }
  if (isFirst) yield toMessage(fields, field, new Uint8Array(0));
}

function toMessage(fields: JsonObject, field: string, piece: Uint8Array): Uint8Array {
  const base64 = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength).toString("base64");
  return Buffer.from(JSON.stringify({ ...fields, [field]: base64 }));
}

/** @throws MicroError `payload_too_large` for a field that should be a file. */
async function* atMost(pieces: AsyncIterable<Uint8Array>, bytesMax: number): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const piece of pieces) {
    bytes += piece.byteLength;
    if (bytes > bytesMax)
      throw new MicroError("payload_too_large", `a field beside an upload is larger than ${bytesMax} bytes`);
    yield piece;
  }
}

/** The same pieces, as long as none of them is waited for too long. */
async function* withPatience(pieces: AsyncIterable<Uint8Array>, idleMs: number): AsyncGenerator<Uint8Array> {
  const iterator = pieces[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await soon(iterator.next(), idleMs);
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    // Not awaited: it would wait for the piece that does not come.
    iterator.return?.()?.catch(() => undefined);
  }
}

async function soon<T>(work: Promise<T>, idleMs: number): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    late.reject(new MicroError("timeout", `nothing of the body came for ${idleMs / 1_000} s`));
  }, idleMs);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
