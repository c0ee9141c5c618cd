import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import { MicroError } from "#base/error.ts";
import { KiB } from "#base/limits.ts";
import type { AnswerEncoding } from "./accept-encoding.ts";

/** Answers below this are not compressed: they fit into one packet or two, and what is saved is not worth the time. */
export const compressedBytesMin = KiB;

/** Up to here compression takes well below a millisecond; more is done beside the thread that answers. */
const inlineBytesMax = 32 * KiB;

/** Level 4 of gzip and 3 of zstd: where each stops getting smaller quickly. */
const gzipLevel = 4;
const zstdLevel = 3;

const gzipBeside = promisify(gzip);
const gunzipBeside = promisify(gunzip);

/** Compresses an answer. */
export function compress(body: Uint8Array<ArrayBuffer>, encoding: AnswerEncoding): Uint8Array | Promise<Uint8Array> {
  const isSmall = body.byteLength <= inlineBytesMax;
  if (encoding === "zstd") {
    return isSmall ? Bun.zstdCompressSync(body, { level: zstdLevel }) : Bun.zstdCompress(body, { level: zstdLevel });
  }
  return isSmall ? Bun.gzipSync(body, { level: gzipLevel }) : gzipBeside(body, { level: gzipLevel });
}

/** What is said to a caller whose compression is not spoken here. */
export const requestEncodings = "gzip";

/**
 * The body of a request as it was before its sender compressed it. It stops at the limit, so that a small body that says
 * that it is huge costs no more than a large one.
 *
 * @param encoding `content-encoding`, lower-case.
 * @throws MicroError `unsupported_media_type` for other compressions, `payload_too_large` above `bytesMax`,
 * `invalid_argument` for what is not compressed so.
 */
export async function decompress(body: Uint8Array, encoding: string, bytesMax: number): Promise<Uint8Array> {
  if (encoding !== "gzip" && encoding !== "x-gzip") {
    const shown = JSON.stringify(encoding.slice(0, 60));
    throw new MicroError(
      "unsupported_media_type",
      `compression ${shown} is not spoken here; send the body plain or with gzip`,
    );
  }
  try {
    return await gunzipBeside(body, { maxOutputLength: bytesMax });
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
    if (code === "ERR_BUFFER_TOO_LARGE") {
      throw new MicroError("payload_too_large", `the body is larger than ${bytesMax} bytes when it is decompressed`);
    }
    throw new MicroError("invalid_argument", "the body is not compressed with gzip, as its content-encoding says", {
      cause,
    });
  }
}
