import { type Metadata, Server, ServerCredentials, status, type ServiceDefinition } from "@grpc/grpc-js";
import type {
  ServerDuplexStream,
  ServerReadableStream,
  ServerUnaryCall,
  ServerWritableStream,
  sendUnaryData,
} from "@grpc/grpc-js";

/** What the server saw, for tests to ask about. */
export interface EchoRecord {
  callCount: number;
  cancelledCount: number;
  readonly metadata: Metadata[];
}

export interface EchoServer extends AsyncDisposable {
  readonly address: string;
  readonly record: EchoRecord;
  readonly server: Server;
}

const bytes = (value: Buffer): Buffer => value;
const method = (path: string, requestStream: boolean, responseStream: boolean) => ({
  path,
  requestStream,
  responseStream,
  requestSerialize: bytes,
  requestDeserialize: bytes,
  responseSerialize: bytes,
  responseDeserialize: bytes,
});

/** The methods of service `echo`, without message types: bytes in, bytes out. */
export const echoDefinition = {
  unary: method("/echo.Echo/Unary", false, false),
  fail: method("/echo.Echo/Fail", false, false),
  hang: method("/echo.Echo/Hang", false, false),
  repeat: method("/echo.Echo/Repeat", false, true),
  count: method("/echo.Echo/Count", true, false),
  chat: method("/echo.Echo/Chat", true, true),
} satisfies ServiceDefinition;

type Unary = ServerUnaryCall<Buffer, Buffer>;
type Reply = sendUnaryData<Buffer>;

/** A real gRPC server on a free port, by the library that most Node programs use. */
export async function startEchoServer(address = "127.0.0.1:0"): Promise<EchoServer> {
  const record: EchoRecord = { callCount: 0, cancelledCount: 0, metadata: [] };
  const server = new Server();
  server.addService(echoDefinition, {
    unary: (call: Unary, reply: Reply) => {
      record.callCount += 1;
      record.metadata.push(call.metadata);
      reply(null, call.request);
    },
    fail: (call: Unary, reply: Reply) => {
      const text = call.request.toString();
      reply({ code: status.NOT_FOUND, details: text });
    },
    hang: (call: Unary) => {
      record.callCount += 1;
      call.on("cancelled", () => {
        record.cancelledCount += 1;
      });
    },
    /** Answers the request again and again until the caller leaves or `count` is reached. */
    repeat: (call: ServerWritableStream<Buffer, Buffer>) => {
      const count = Number(call.metadata.get("count")[0] ?? 0);
      let sent = 0;
      call.on("cancelled", () => {
        record.cancelledCount += 1;
      });
      const go = (): void => {
        while (sent < count && !call.cancelled) {
          sent += 1;
          if (!call.write(call.request)) {
            call.once("drain", go);
            return;
          }
        }
        if (sent >= count) call.end();
      };
      go();
    },
    count: (call: ServerReadableStream<Buffer, Buffer>, reply: Reply) => {
      let total = 0;
      call.on("data", (message: Buffer) => {
        total += message.byteLength;
      });
      call.on("end", () => reply(null, Buffer.from(String(total))));
    },
    chat: (call: ServerDuplexStream<Buffer, Buffer>) => {
      call.on("data", (message: Buffer) => call.write(message));
      call.on("cancelled", () => {
        record.cancelledCount += 1;
      });
      call.on("end", () => call.end());
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  const shown = address.startsWith("unix:") ? address : `127.0.0.1:${port}`;
  return {
    address: shown,
    record,
    server,
    [Symbol.asyncDispose]: async () => {
      server.forceShutdown();
    },
  };
}
