import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { join } from "node:path";
import {
  credentials,
  loadPackageDefinition,
  Metadata,
  status,
  type ClientDuplexStream,
  type ClientReadableStream,
  type ClientWritableStream,
  type GrpcObject,
  type ServiceClientConstructor,
  type ServiceError,
} from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { startServer, type TestServer } from "#testing/start-server.ts";
import { root } from "./service-process.ts";

/** Ordinary gRPC stubs against a real server with a service that the runtime started. */
interface Greeting {
  readonly msg: string;
  readonly count: string;
}

interface Named {
  readonly name: string;
}

type Answer = (error: ServiceError | null, greeting: Greeting) => void;

interface Stub {
  hello(request: Named, metadata: Metadata, answer: Answer): void;
  languages(request: Named, metadata: Metadata): ClientReadableStream<Greeting>;
  everybody(metadata: Metadata, answer: Answer): ClientWritableStream<Named>;
  chat(metadata: Metadata): ClientDuplexStream<Named, Greeting>;
  close(): void;
}

const example = join(root, "examples/greeter-proto");
const definition = loadPackageDefinition(loadSync(join(example, "greeter.proto"), { keepCase: true, longs: String }));
const Greeter = (definition["greeter"] as GrpcObject)["Greeter"] as ServiceClientConstructor;

let server: TestServer;
let token: string;

beforeAll(async () => {
  server = await startServer();
  const run = await server.micro(["run", example]);
  if (run.code !== 0) throw new Error(run.stderr);
  token = await server.token();
});

afterAll(() => server[Symbol.asyncDispose]());

function bearer(value: string): Metadata {
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${value}`);
  return metadata;
}

describe.each(["proxy", "network"] as const)("a gRPC client at the %s", (port) => {
  let stub: Stub;
  beforeAll(() => {
    stub = new Greeter(server.addresses[port], credentials.createInsecure()) as unknown as Stub;
  });
  afterAll(() => stub.close());

  const hello = (metadata: Metadata): Promise<Greeting> =>
    new Promise((resolve, reject) => {
      stub.hello({ name: "Ann" }, metadata, (error, greeting) => (error === null ? resolve(greeting) : reject(error)));
    });

  it("calls a unary method, with a token and without", async () => {
    expect(await hello(new Metadata())).toEqual({ msg: "Hello Ann", count: "1" });
    expect(await hello(bearer(token))).toEqual({ msg: "Hello Ann", count: "1" });
  });

  it("reads a server stream to its end", async () => {
    const greetings: string[] = [];
    for await (const each of stub.languages({ name: "Ann" }, new Metadata())) greetings.push((each as Greeting).msg);
    expect(greetings).toEqual(["Hello Ann", "Hola Ann", "Hallo Ann", "Bonjour Ann"]);
  });

  it("writes a client stream and gets one answer", async () => {
    const answer = await new Promise<Greeting>((resolve, reject) => {
      const names = stub.everybody(new Metadata(), (error, greeting) =>
        error === null ? resolve(greeting) : reject(error),
      );
      names.write({ name: "Ann" });
      names.write({ name: "Bob" });
      names.end();
    });
    expect(answer).toEqual({ msg: "Hello Ann, Bob", count: "2" });
  });

  it("holds a conversation, each answer before the next question", async () => {
    const chat = stub.chat(new Metadata());
    const answers = chat[Symbol.asyncIterator]() as AsyncIterator<Greeting>;
    for (const [index, name] of ["Ann", "Bob", "Cid"].entries()) {
      chat.write({ name });
      expect((await answers.next()).value).toEqual({ msg: `Hello ${name}`, count: String(index + 1) });
    }
    chat.end();
    expect((await answers.next()).done).toBe(true);
  });

  it("keeps the code and the text of what the service refuses", async () => {
    const failed = await new Promise<ServiceError | null>((resolve) => {
      stub.hello({ name: "" }, new Metadata(), (error) => resolve(error));
    });
    expect(failed?.code).toBe(status.INVALID_ARGUMENT);
    expect(JSON.parse(failed?.details ?? "")).toMatchObject({ code: 400, detail: "name is empty; say who is greeted" });
  });

  it("is refused with a token that is not one of ours", async () => {
    const forged = `${token.slice(0, -6)}AAAAAA`;
    await expect(hello(bearer(forged))).rejects.toMatchObject({ code: status.UNAUTHENTICATED });
  });
});
