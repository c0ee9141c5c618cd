import { Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";

/** What one call of grpc-js came to. */
export interface UnaryOutcome {
  readonly message: string;
  readonly headers: Metadata;
  readonly trailers: Metadata;
}

/** One unary call with a client of its own, its messages as text. @throws ServiceError what the peer answered. */
export function startUnary(
  address: string,
  path: string,
  request: string,
  metadata: Readonly<Record<string, string>> = {},
): Promise<UnaryOutcome> {
  const client = new Client(address, credentials.createInsecure());
  const toBytes = (text: string): Buffer => Buffer.from(text, "latin1");
  const sent = new Metadata();
  for (const [key, value] of Object.entries(metadata)) sent.set(key, value);
  return new Promise<UnaryOutcome>((resolve, reject) => {
    let headers = new Metadata();
    let trailers = new Metadata();
    let message = "";
    let failure: ServiceError | null = null;
    const call = client.makeUnaryRequest(
      path,
      toBytes,
      (bytes) => bytes.toString(),
      request,
      sent,
      (error, answer) => {
        failure = error;
        message = answer ?? "";
      },
    );
    call.on("metadata", (received: Metadata) => {
      headers = received;
    });
    call.on("status", (status) => {
      trailers = status.metadata;
      setImmediate(() => (failure === null ? resolve({ message, headers, trailers }) : reject(failure)));
    });
  }).finally(() => client.close());
}
