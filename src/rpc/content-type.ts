import type { Encoding } from "./server-call.ts";

/** How a call is framed: gRPC, gRPC-Web in bytes or in base64, one message as the whole body, or Connect's enveloped stream. */
export type Protocol = "grpc" | "grpc_web" | "grpc_web_text" | "unary" | "connect_stream";

/** What a content type says about a call. */
export interface ContentType {
  readonly protocol: Protocol;
  readonly encoding: Encoding;
  /** Headers of an answer of the same type. Shared by all answers; never written to. */
  readonly headers: Readonly<Record<string, string>>;
}

const known: ReadonlyMap<string, ContentType> = new Map(
  (
    [
      ["application/json", "unary", "json"],
      ["application/proto", "unary", "proto"],
      ["application/x-protobuf", "unary", "proto"],
      ["application/protobuf", "unary", "proto"],
      ["application/connect+json", "connect_stream", "json"],
      ["application/connect+proto", "connect_stream", "proto"],
      ["application/grpc", "grpc", "proto"],
      ["application/grpc+proto", "grpc", "proto"],
      ["application/grpc+json", "grpc", "json"],
      ["application/grpc-web", "grpc_web", "proto"],
      ["application/grpc-web+proto", "grpc_web", "proto"],
      ["application/grpc-web+json", "grpc_web", "json"],
      ["application/grpc-web-text", "grpc_web_text", "proto"],
      ["application/grpc-web-text+proto", "grpc_web_text", "proto"],
    ] as const
  ).map(([name, protocol, encoding]) => [
    name,
    Object.freeze({ protocol, encoding, headers: Object.freeze({ "content-type": name }) }),
  ]),
);

/** Reads a content type; parameters such as `charset` are left aside. Undefined for one that no call has. */
export function parseContentType(text: string): ContentType | undefined {
  return known.get(text) ?? known.get(mediaType(text));
}

/** True for gRPC of any subtype, also one that is not spoken here. */
export function isGrpc(text: string): boolean {
  return /^application\/grpc(?:[+;]|$)/.test(mediaType(text));
}

function mediaType(text: string): string {
  const semicolon = text.indexOf(";");
  return (semicolon === -1 ? text : text.slice(0, semicolon)).trim().toLowerCase();
}
