import { describe, expect, it } from "bun:test";
import type { JsonValue } from "#base/json.ts";
import { MicroError } from "#base/error.ts";
import { IncomingCall } from "./incoming-call.ts";
import { implement, type MessageType, type RpcMethod, type ServiceTable } from "./method.ts";
import type { Encoding } from "./server-call.ts";
import { createServiceTable, resolveTables } from "./service-table.ts";

const anything: MessageType<unknown> = {
  name: "Anything",
  value: { name: "Anything", type: "Anything", values: [] },
  fromJson: (json) => json,
  toJson: (message) => JSON.parse(JSON.stringify(message)) as JsonValue,
};

function callTo(endpoint: string, options: { service?: string; encoding?: Encoding } = {}): IncomingCall {
  const { service = "", encoding = "json" } = options;
  const source = { header: () => undefined, metadata: () => ({}), peer: "" };
  return new IncomingCall(source, { path: "", service, endpoint, encoding });
}

function tableOf(handle: (request: unknown) => unknown): { table: ServiceTable; method: RpcMethod } {
  const spec = {
    endpoint: "Thing.Do",
    kind: "unary" as const,
    input: anything,
    output: anything,
    description: "Does.",
  };
  const table = createServiceTable({ name: "things", version: "1", methods: [implement(spec, handle)] });
  const method = table.method("Thing.Do");
  if (method === undefined) throw new Error("no method");
  return { table, method };
}

async function run(handle: (request: unknown) => unknown, body: string): Promise<string> {
  const { method } = tableOf(handle);
  const answer = await method.unary(new TextEncoder().encode(body), callTo("Thing.Do"));
  return new TextDecoder().decode(answer);
}

async function* chunks(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const each of texts) yield new TextEncoder().encode(each);
}

describe("createServiceTable()", () => {
  it("publishes endpoints with kind, stream and description", () => {
    const streaming = { endpoint: "Thing.Watch", kind: "server_stream" as const, input: anything, output: anything };
    const table = createServiceTable({
      name: "things",
      version: "1",
      methods: [
        implement(streaming, async function* watch() {
          yield {};
        }),
      ],
    });
    expect(table.endpoints).toEqual([
      {
        name: "Thing.Watch",
        request: anything.value,
        response: anything.value,
        metadata: { kind: "server_stream", stream: "true" },
      },
    ]);
    expect(tableOf((each) => each).table.endpoints[0]?.metadata).toEqual({ kind: "unary", description: "Does." });
  });

  it("refuses an endpoint that comes twice", () => {
    const spec = { endpoint: "A.B", kind: "unary" as const, input: anything, output: anything };
    const twice = [implement(spec, (each) => each), implement(spec, (each) => each)];
    expect(() => createServiceTable({ name: "x", version: "1", methods: twice })).toThrow(
      "A.B of service x is declared twice",
    );
  });
});

describe("RpcMethod.unary() of a table", () => {
  it("takes nothing at all and null for the empty message", async () => {
    expect(await run((each) => each, "")).toBe("{}");
    expect(await run((each) => each, "null")).toBe("{}");
    expect(await run((each) => each, '{"a":1}')).toBe('{"a":1}');
  });

  it("names the service in failures that name nobody, and keeps those that do", async () => {
    const fail = (thrown: unknown): Promise<unknown> =>
      run(() => Promise.reject(thrown), "{}").then(
        () => undefined,
        (reason: unknown) => reason,
      );
    expect(await fail(new MicroError("conflict", "no"))).toMatchObject({ code: "conflict", id: "things" });
    expect(await fail(new MicroError("conflict", "no", { at: "other" }))).toMatchObject({ id: "other" });
    expect(await fail(new RangeError("oops"))).toMatchObject({ code: "internal", id: "things", detail: "oops" });
    expect(await fail("text")).toMatchObject({ code: "internal", detail: "text" });
  });

  it("does not pass on that a call further down was never sent", async () => {
    const down = new MicroError("unavailable", "down", { at: "other", neverSent: true });
    const error = await run(() => Promise.reject(down), "{}").catch((reason: unknown) => MicroError.from(reason));
    expect(error).toMatchObject({ code: "unavailable", id: "other", neverSent: false });
  });

  it("refuses text that is not JSON or not UTF-8, and protobuf where there is none", async () => {
    await expect(run((each) => each, "{")).rejects.toMatchObject({ code: "invalid_argument" });
    const { method } = tableOf((each) => each);
    await expect(method.unary(Uint8Array.of(0x22, 0xff, 0x22), callTo("Thing.Do"))).rejects.toMatchObject({
      code: "invalid_argument",
    });
    await expect(method.unary(new Uint8Array(0), callTo("Thing.Do", { encoding: "proto" }))).rejects.toMatchObject({
      code: "unsupported_media_type",
      detail: "Thing.Do speaks JSON only",
    });
  });
});

describe("RpcMethod.stream() of a table", () => {
  it("answers the first message of a unary method and leaves the rest", async () => {
    const { method } = tableOf((each) => each);
    const answers: string[] = [];
    for await (const each of method.stream(chunks('{"a":1}', '{"a":2}'), callTo("Thing.Do"))) {
      answers.push(new TextDecoder().decode(each));
    }
    expect(answers).toEqual(['{"a":1}']);
  });

  it("refuses a call without a first message", async () => {
    const { method } = tableOf((each) => each);
    const answers = method.stream(chunks(), callTo("Thing.Do"))[Symbol.asyncIterator]();
    await expect(answers.next()).rejects.toMatchObject({ code: "invalid_argument" });
  });
});

describe("resolveTables()", () => {
  const resolve = resolveTables([tableOf((each) => each).table]);

  it("finds a method by service and by type alone", () => {
    for (const service of ["things", "", "somebody.else"]) {
      expect(resolve(callTo("Thing.Do", { service }))).toHaveProperty("kind", "unary");
    }
  });

  it("says what is unknown, as Micro does", () => {
    expect(() => resolve(callTo("Thing.Undo"))).toThrow("unknown service Thing.Undo");
    expect(() => resolve(callTo("Other.Do"))).toThrow(/^unknown service Other$/);
  });

  it("never takes the endpoint of another table for one that was named", () => {
    const empty = createServiceTable({ name: "empty", version: "1", methods: [] });
    const both = resolveTables([empty, tableOf((each) => each).table]);
    expect(() => both(callTo("Thing.Do", { service: "empty" }))).toThrow("unknown service");
  });
});
