import { isForwardable } from "#base/metadata.ts";
import { formatGrpcTimeout, formatTimeoutHeader } from "./grpc-timeout.ts";
import { HpackEncoder } from "./http2/hpack-encoder.ts";
import { formatRpcPath } from "./rpc-path.ts";
import type { Encoding } from "./server-call.ts";
import type { OutgoingUnaryCall } from "./transport.ts";

/** Paths that are kept: more than an installation has, little enough that inventing paths fills no memory. */
const pathCountMax = 4_096;

/** `:method POST` and `:scheme http`, by their numbers. */
const fixedBlock = "\u0083\u0086";

/** The headers of gRPC calls, as HTTP/2 carries them. */
export class GrpcHeaders {
  readonly #encoder = new HpackEncoder();
  /** What all calls of one path begin with. */
  readonly #heads = { json: new Map<string, string>(), proto: new Map<string, string>() };

  /**
   * @param remainingMs time that is left; absent: no deadline.
   * @throws MicroError `invalid_argument` for an endpoint that is none, or metadata that cannot be sent.
   */
  encode({ service, endpoint, encoding, metadata }: OutgoingUnaryCall, remainingMs: number | undefined): string {
    const path = formatRpcPath(service, endpoint);
    let block = this.#heads[encoding].get(path) ?? this.#keepHead(path, encoding);
    for (const key in metadata) {
      const value = metadata[key];
      if (value !== undefined && isForwardable(key)) block += this.#encoder.encode(key, value);
    }
    if (remainingMs === undefined) return block;
    block += this.#encoder.encode("timeout", formatTimeoutHeader(remainingMs));
    return block + this.#encoder.encode("grpc-timeout", formatGrpcTimeout(remainingMs));
  }

  #keepHead(path: string, encoding: Encoding): string {
    const head =
      fixedBlock +
      this.#encoder.encode(":path", path) +
      this.#encoder.encode(":authority", "localhost") +
      this.#encoder.encode("content-type", `application/grpc+${encoding}`) +
      this.#encoder.encode("te", "trailers") +
      this.#encoder.encode("user-agent", "micro-ts");
    const heads = this.#heads[encoding];
    if (heads.size >= pathCountMax) heads.clear();
    heads.set(path, head);
    return head;
  }
}
