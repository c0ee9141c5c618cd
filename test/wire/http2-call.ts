import { connect, type ClientHttp2Session, type ClientHttp2Stream } from "node:http2";
import { connect as connectNet } from "node:net";
import { encodeFrame, FrameDecoder } from "#rpc/grpc-frame.ts";

/** A bare HTTP/2 connection to `host:port` or `unix:/path`. */
export function dial(address: string): ClientHttp2Session {
  const session = address.startsWith("unix:")
    ? connect("http://localhost", { createConnection: () => connectNet(address.slice(5)) })
    : connect(`http://${address}`);
  session.on("error", () => undefined);
  return session;
}

/** One request with nothing of gRPC hidden: what is sent when is up to the test. */
export class RawCall {
  readonly stream: ClientHttp2Stream;
  readonly messages: string[] = [];
  headers: Record<string, unknown> = {};
  trailers: Record<string, unknown> = {};
  body = "";
  readonly #closed: Promise<void>;

  constructor(session: ClientHttp2Session, headers: Record<string, string>) {
    this.stream = session.request({
      ":method": "POST",
      "content-type": "application/grpc+json",
      te: "trailers",
      ...headers,
    });
    const decoder = new FrameDecoder();
    this.stream.on("response", (received) => {
      this.headers = { ...received };
    });
    this.stream.on("trailers", (received) => {
      this.trailers = { ...received };
    });
    this.stream.on("data", (chunk: Buffer) => {
      this.body += chunk.toString();
      if (!String(this.headers["content-type"]).startsWith("application/grpc")) return;
      for (const { message } of decoder.push(chunk)) this.messages.push(new TextDecoder().decode(message));
    });
    this.stream.on("error", () => undefined);
    this.#closed = new Promise((resolve) => {
      this.stream.once("close", resolve);
    });
  }

  /** Sends one JSON message and keeps the request side open. */
  send(message: unknown): this {
    this.stream.write(encodeFrame(new TextEncoder().encode(JSON.stringify(message))));
    return this;
  }

  /** Resolves when the stream is closed on both sides. */
  async closed(): Promise<this> {
    await this.#closed;
    return this;
  }

  /** `grpc-status`, from wherever it came. */
  get status(): unknown {
    return this.trailers["grpc-status"] ?? this.headers["grpc-status"];
  }

  /** `grpc-message` as it was sent. */
  get message(): string {
    return String(this.trailers["grpc-message"] ?? this.headers["grpc-message"]);
  }
}
