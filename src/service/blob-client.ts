import { MicroError } from "#base/error.ts";
import { requireName } from "#base/name.ts";
import { BlobStore as BlobStoreService, type BlobWriteResponse } from "#gen/store/store_pb.ts";
import type { BlobInfo, BlobListQuery, BlobRange, BlobWriteOptions } from "#interface/blob.ts";
import { protoMethod } from "#rpc/proto-service.ts";
import { toBlobInfo, toReading, type BlobReading } from "./blob-reading.ts";
import { toPieces, type BlobSource } from "./blob-source.ts";
import type { CallOptions, Origin } from "./caller.ts";
import { createProtoClient } from "./proto.ts";

export interface BlobOptions {
  /** Whose blobs. @default the origin's namespace */
  readonly namespace?: string;
}

/** The blobs of one namespace. All methods throw MicroError. */
export interface BlobClient {
  /**
   * Replaces the blob once the whole content has arrived and is on disk. When `content` throws, or the write is cut off, the
   * blob stays what it was.
   */
  write(key: string, content: BlobSource, options?: BlobWriteOptions): Promise<BlobInfo>;
  /** Undefined when there is no such blob. */
  read(key: string, range?: BlobRange): Promise<BlobReading | undefined>;
  /** What is known of it, without its content; undefined when there is no such blob. */
  stat(key: string): Promise<BlobInfo | undefined>;
  /** A missing one is no error. */
  delete(key: string): Promise<void>;
  /** One page of blobs by key, bytewise; the last one is empty. */
  list(query?: BlobListQuery): Promise<readonly BlobInfo[]>;
  /** All blobs whose keys begin with `prefix`, by key, asked for page by page. */
  all(prefix?: string): AsyncIterable<BlobInfo>;
}

/** Blobs that one page of `all` asks for. */
const pageCount = 500;

/** Opens the blobs of a namespace; nothing is sent before the first call. @throws MicroError `invalid_argument` for a bad namespace. */
export function createBlobs(origin: Origin, options: BlobOptions = {}): BlobClient {
  return new RemoteBlobs(origin, requireName("namespace", options.namespace ?? origin.namespace));
}

class RemoteBlobs implements BlobClient {
  readonly #origin: Origin;
  readonly #namespace: string;
  readonly #store;

  constructor(origin: Origin, namespace: string) {
    this.#origin = origin;
    this.#namespace = namespace;
    this.#store = createProtoClient(origin, "store", BlobStoreService);
  }

  async write(key: string, content: BlobSource, options: BlobWriteOptions = {}): Promise<BlobInfo> {
    const { contentType = "", isPublic = false, signal } = options;
    const messages = this.#toMessages(content, { key: requireKey(key), contentType, isPublic });
    const call: CallOptions = { types: writeTypes, ...(signal === undefined ? {} : { signal }) };
    // As a stream, because that has no deadline of its own: a blob takes as long as it is large.
    for await (const { info } of this.#origin.stream<BlobWriteResponse>("store", "BlobStore.Write", messages, call)) {
      return toBlobInfo(info);
    }
    throw new MicroError("bad_gateway", "the store ended the write without an answer", { at: "store" });
  }

  async read(key: string, { offset = 0, length }: BlobRange = {}): Promise<BlobReading | undefined> {
    // On the wire a length of 0 is all, so nothing is asked for as the byte that is then not handed out.
    if (length === 0) return this.#readNothing(key, offset);
    const range = { offset: BigInt(offset), length: BigInt(length ?? 0) };
    const answers = this.#store.read({ key: requireKey(key), options: { namespace: this.#namespace }, ...range });
    const rest = answers[Symbol.asyncIterator]();
    const first = await unlessMissing(rest.next());
    if (first === undefined) return undefined;
    if (first.done !== true) return toReading(first.value, rest);
    throw new MicroError("bad_gateway", "the store ended the read without an answer", { at: "store" });
  }

  async stat(key: string): Promise<BlobInfo | undefined> {
    const answer = await unlessMissing(
      this.#store.stat({ key: requireKey(key), options: { namespace: this.#namespace } }),
    );
    return answer === undefined ? undefined : toBlobInfo(answer.info);
  }

  async delete(key: string): Promise<void> {
    await this.#store.delete({ key: requireKey(key), options: { namespace: this.#namespace } });
  }

  async list({ prefix = "", after = "", limit = 0 }: BlobListQuery = {}): Promise<readonly BlobInfo[]> {
    const namespace = this.#namespace;
    const answer = await this.#store.list({ options: { namespace, prefix, after, limit: BigInt(limit) } });
    return answer.blobs.map(toBlobInfo);
  }

  async *all(prefix = ""): AsyncGenerator<BlobInfo> {
    for (let after = ""; ;) {
      const page = await this.list({ prefix, after, limit: pageCount });
      yield* page;
      const last = page.at(-1);
      if (last === undefined) return;
      after = last.key;
    }
  }

  /** The first message says what the blob is, and holds no piece, so that an empty blob has a message too. */
  async *#toMessages(
    content: BlobSource,
    { key, contentType, isPublic }: { key: string; contentType: string; isPublic: boolean },
  ): AsyncGenerator<object> {
    yield { key, options: { namespace: this.#namespace, contentType, public: isPublic } };
    for await (const blob of toPieces(content)) yield { blob };
  }

  async #readNothing(key: string, offset: number): Promise<BlobReading | undefined> {
    const info = await this.stat(key);
    if (info === undefined) return undefined;
    if (offset <= info.sizeBytes) return emptyReading(info);
    throw new MicroError(
      "invalid_argument",
      `the blob has ${info.sizeBytes} bytes, so it cannot be read from ${offset} on`,
    );
  }
}

const { input, output } = protoMethod(BlobStoreService.method.write);
/** What the messages of a write are, with their types forgotten, as calls take them. */
const writeTypes = { input, output } as unknown as NonNullable<CallOptions["types"]>;

/** Half a surrogate pair would travel as another character, and so mean another blob. */
function requireKey(key: string): string {
  if (key.isWellFormed()) return key;
  throw new MicroError("invalid_argument", "a blob's key must be well-formed Unicode text");
}

function emptyReading(info: BlobInfo): BlobReading {
  async function* content(): AsyncGenerator<Uint8Array> {}
  const bytes = (): Promise<Uint8Array> => Promise.resolve(new Uint8Array(0));
  return { info, content: content(), bytes, text: () => Promise.resolve("") };
}

/** Undefined where the store says that there is no such blob. */
async function unlessMissing<T extends object>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (reason) {
    if (MicroError.is(reason) && reason.code === "not_found" && reason.detail === "Blob not found") return undefined;
    throw reason;
  }
}
