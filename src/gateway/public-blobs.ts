import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import { isName } from "#base/name.ts";
import type { BlobInfo, Blobs, BlobScope } from "#interface/blob.ts";
import { toBody } from "./blob-body.ts";
import { evaluateConditions, mayContinue, toEtag, toLastModified, type HeaderReader } from "./blob-conditions.ts";
import { parseByteRange, type ByteRange } from "./byte-range.ts";
import { errorResponse } from "./error-response.ts";

/** What the gateway needs of the blobs. */
export type PublicBlobs = Pick<Blobs, "stat" | "read">;

/** A request for a public blob. */
export interface BlobRequest {
  readonly request: Request;
  /** Percent-encoded, begins with {@link publicBlobsPrefix}. */
  readonly path: string;
  /** Hears of a failure after the status was sent. */
  readonly onError: (reason: unknown) => void;
  /** Hears how large the body of the answer is going to be. */
  readonly onSize?: (sizeBytes: number) => void;
}

/** Answers `GET` and `HEAD` of public blobs. @throws MicroError `not_found`, and what reading fails with. */
export type BlobAnswerer = (visit: BlobRequest) => Promise<Response>;

/** Where public blobs lie: `/blobs/NAMESPACE/KEY`. */
export const publicBlobsPrefix = "/blobs/";

/** Times that a blob may be replaced between a look at it and the reading of it. */
const attemptCountMax = 5;

/** Serves blobs to everybody. One that is not public is answered as one that does not exist. */
export function createBlobAnswerer(blobs: PublicBlobs): BlobAnswerer {
  return async (visit) => {
    const { request, path } = visit;
    const { method } = request;
    if (method !== "GET" && method !== "HEAD") return refuseMethod(method);
    const scope = parseBlobPath(path);
    if (scope === undefined) throw notFound();
    const header: HeaderReader = (name) => request.headers.get(name) ?? undefined;
    for (let attempt = 1; attempt <= attemptCountMax; attempt += 1) {
      const info = await blobs.stat(scope);
      if (info?.isPublic !== true) throw notFound();
      const answer = decide(method, header, info);
      if (answer instanceof Response) return answer;
      const response = await send({ ...visit, blobs, scope, info }, answer === "whole" ? undefined : answer);
      if (response !== undefined) return response;
    }
    throw new MicroError("unavailable", "the blob is being replaced all the time; try again", { at: "gateway" });
  };
}

/** The blob that a path names, or undefined where no blob can have that name. The key is text: `..` and `//` mean nothing in it. */
export function parseBlobPath(path: string): BlobScope | undefined {
  const slash = path.indexOf("/", publicBlobsPrefix.length);
  if (slash === -1) return undefined;
  const namespace = decode(path.slice(publicBlobsPrefix.length, slash));
  const key = decode(path.slice(slash + 1));
  if (namespace === undefined || key === undefined || key === "" || !isName("namespace", namespace)) return undefined;
  return Buffer.byteLength(key) <= limits.blobKeyBytesMax ? { namespace, key } : undefined;
}

/** The answer where it needs no content, else which part of the content it needs. */
function decide(method: "GET" | "HEAD", header: HeaderReader, info: BlobInfo): Response | ByteRange | "whole" {
  const condition = evaluateConditions(header, info);
  if (condition === "unchanged") return new Response(null, { status: 304, headers: validators(info) });
  if (condition === "refused") {
    throw new MicroError("failed_precondition", "the blob is not the one that the request is for", { at: "gateway" });
  }
  if (method === "HEAD") {
    return new Response(null, { headers: { ...describe(info), "content-length": String(info.sizeBytes) } });
  }
  const wanted = header("range");
  if (wanted === undefined || !mayContinue(header, info)) return "whole";
  const range = parseByteRange(wanted, info.sizeBytes);
  if (range !== "unsatisfiable") return range ?? "whole";
  const headers = { ...validators(info), "content-range": `bytes */${info.sizeBytes}` };
  return new Response(null, { status: 416, headers });
}

interface BlobToSend {
  readonly blobs: PublicBlobs;
  readonly scope: BlobScope;
  readonly info: BlobInfo;
}

/** Undefined when the blob is not any more the one that was decided about. */
async function send(
  { blobs, onError, onSize, scope, info }: BlobRequest & BlobToSend,
  range: ByteRange | undefined,
): Promise<Response | undefined> {
  const part = range === undefined ? {} : { offset: range.first, length: range.last - range.first + 1 };
  const found = await blobs.read(scope, part).catch((reason: unknown) => {
    // A part of the blob that was there may lie behind the end of the one that is there now.
    if (MicroError.is(reason) && reason.code === "invalid_argument") return undefined;
    throw reason;
  });
  if (found === undefined) return undefined;
  if (!isSame(found.info, info)) {
    await found.content[Symbol.asyncIterator]().return?.();
    return undefined;
  }
  const sizeBytes = part.length ?? info.sizeBytes;
  const body = await toBody({ content: found.content, sizeBytes }, onError);
  onSize?.(sizeBytes);
  if (range === undefined) return new Response(body, { headers: describe(info) });
  const contentRange = `bytes ${range.first}-${range.last}/${info.sizeBytes}`;
  return new Response(body, { status: 206, headers: { ...describe(info), "content-range": contentRange } });
}

function isSame(one: BlobInfo, other: BlobInfo): boolean {
  return (
    one.sha256 === other.sha256 &&
    one.modifiedAtMs === other.modifiedAtMs &&
    one.isPublic === other.isPublic &&
    one.contentType === other.contentType
  );
}

function validators(info: BlobInfo): Record<string, string> {
  return {
    etag: toEtag(info),
    "last-modified": toLastModified(info),
    // Any cache may keep it, and asks before each use: the blob may be replaced or made private at any time, and an
    // unchanged one costs a 304 without a body.
    "cache-control": "public, max-age=0, must-revalidate",
  };
}

/**
 * A page among the blobs may do what a page does, but never act as a page of this server with the login of who looks at it:
 * in a sandbox its origin is that of nobody, so it calls the gateway as any page of another origin does, without cookies.
 */
const sandbox = "sandbox allow-downloads allow-forms allow-modals allow-popups allow-scripts";

function describe(info: BlobInfo): Record<string, string> {
  return {
    ...validators(info),
    "content-type": info.contentType === "" ? "application/octet-stream" : info.contentType,
    "accept-ranges": "bytes",
    // The type is what the writer said, not what a browser makes of the bytes.
    "x-content-type-options": "nosniff",
    // Browsers show no PDF in a sandbox, and run nothing in one that could reach the server.
    ...(info.contentType.toLowerCase().startsWith("application/pdf") ? {} : { "content-security-policy": sandbox }),
  };
}

function refuseMethod(method: string): Response {
  const detail = `public blobs are read with GET, not ${method.slice(0, 20)}; write them with BlobStore.Write`;
  const response = errorResponse(new MicroError("method_not_allowed", detail, { at: "gateway" }));
  response.headers.set("allow", "GET, HEAD, OPTIONS");
  return response;
}

function notFound(): MicroError {
  return new MicroError("not_found", "Blob not found", { at: "gateway" });
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
