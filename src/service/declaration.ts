import type { z } from "zod";
import type { Metadata } from "#base/metadata.ts";
import type { CallContext } from "./context.ts";
import type { Schema } from "./schema-kind.ts";

interface DeclarationBase<Request extends Schema, Response extends Schema> {
  /** One sentence for people and for tools: shown by `micro SERVICE --help` and in the registry. */
  readonly description?: string;
  /** What a caller sends. What does not fit is answered with 400 and the path of the bad field. */
  readonly request: Request;
  /** What a caller gets. Fields that it does not name are dropped. */
  readonly response: Response;
  /** Published with the endpoint. */
  readonly metadata?: Metadata;
}

/** One message in, one message out. */
export interface UnaryDeclaration<Request extends Schema, Response extends Schema> extends DeclarationBase<
  Request,
  Response
> {
  readonly kind?: "unary" | undefined;
  readonly handle: (request: z.output<Request>, context: CallContext) => z.input<Response> | Promise<z.input<Response>>;
}

/** One message in, many out: usually an `async function*`. */
export interface ServerStreamDeclaration<Request extends Schema, Response extends Schema> extends DeclarationBase<
  Request,
  Response
> {
  readonly kind: "server_stream";
  readonly handle: (request: z.output<Request>, context: CallContext) => AsyncIterable<z.input<Response>>;
}

/** Many messages in, one out. */
export interface ClientStreamDeclaration<Request extends Schema, Response extends Schema> extends DeclarationBase<
  Request,
  Response
> {
  readonly kind: "client_stream";
  readonly handle: (
    requests: AsyncIterable<z.output<Request>>,
    context: CallContext,
  ) => z.input<Response> | Promise<z.input<Response>>;
}

/** Many messages in, many out, each side at its own pace. */
export interface BidiStreamDeclaration<Request extends Schema, Response extends Schema> extends DeclarationBase<
  Request,
  Response
> {
  readonly kind: "bidi_stream";
  readonly handle: (
    requests: AsyncIterable<z.output<Request>>,
    context: CallContext,
  ) => AsyncIterable<z.input<Response>>;
}

/** What an endpoint is: its types, and the function that answers. `kind` is `unary` where it is left out. */
export type EndpointDeclaration<Request extends Schema, Response extends Schema> =
  | UnaryDeclaration<Request, Response>
  | ServerStreamDeclaration<Request, Response>
  | ClientStreamDeclaration<Request, Response>
  | BidiStreamDeclaration<Request, Response>;
