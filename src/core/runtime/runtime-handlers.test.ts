import { describe, expect, it } from "bun:test";
import { systemClock } from "#base/clock.ts";
import { MicroError } from "#base/error.ts";
import type { Account } from "#interface/auth.ts";
import type { LogLine, Runtime, RuntimeService, ServiceKey } from "#interface/runtime.ts";
import type { RpcMethod } from "#rpc/method.ts";
import type { ServerCall } from "#rpc/server-call.ts";
import { createServiceTable } from "#rpc/service-table.ts";
import { MemoryStore } from "#core/store/memory-store.ts";
import { createTempFolder } from "#testing/temp-folder.ts";
import type { LogSource } from "./log-source.ts";
import { runtimeMethods } from "./runtime-methods.ts";
import { SourceStore } from "./source-store.ts";
import { tarOf } from "./tar-fixture.ts";

const admin: Account = { id: "ann", type: "user", namespace: "micro", name: "Ann", scopes: ["admin"], metadata: {} };
const member: Account = { ...admin, id: "bob", name: "Bob", scopes: [] };
const stranger: Account = { ...admin, id: "eve", namespace: "foo" };

const service: RuntimeService = {
  namespace: "micro",
  name: "greeter",
  version: "latest",
  source: "/home/greeter",
  metadata: { owner: "Ann", group: "micro", source: "/home/greeter" },
  serviceName: "hello",
  status: "error",
  error: "exited with code 1",
  updatedAtMs: 1_700_000_000_000,
  instances: [{ id: "i1", status: "error", restartCount: 2, error: "exited with code 1" }],
};

/** A runtime that writes down what it is asked. */
class RecordingRuntime implements Runtime {
  readonly calls: unknown[][] = [];
  failure: MicroError | undefined;

  async create(...args: Parameters<Runtime["create"]>): Promise<void> {
    this.calls.push(["create", ...args]);
    if (this.failure !== undefined) throw this.failure;
  }
  async read(filter: Parameters<Runtime["read"]>[0]): Promise<readonly RuntimeService[]> {
    this.calls.push(["read", filter]);
    return filter.name === undefined || filter.name === "greeter" ? [service, { ...service, version: "two" }] : [];
  }
  async update(...args: Parameters<Runtime["update"]>): Promise<void> {
    this.calls.push(["update", ...args]);
  }
  async restart(key: ServiceKey): Promise<void> {
    this.calls.push(["restart", key]);
  }
  async scale(key: ServiceKey, instances: number): Promise<void> {
    this.calls.push(["scale", key, instances]);
  }
  async rollback(key: ServiceKey): Promise<void> {
    this.calls.push(["rollback", key]);
  }
  async promote(key: ServiceKey): Promise<void> {
    this.calls.push(["promote", key]);
  }
  async delete(key: ServiceKey): Promise<void> {
    this.calls.push(["delete", key]);
  }
  async *buildLog({ name }: ServiceKey): AsyncGenerator<Uint8Array> {
    yield new TextEncoder().encode(`built ${name}`);
  }
  async *logs({ version }: ServiceKey): AsyncGenerator<LogLine> {
    const texts =
      version === "two"
        ? [[2, "warn second"]]
        : [
            [1, "first"],
            [3, '{"level":"error"}'],
          ];
    for (const [timestampMs, text] of texts) {
      yield { timestampMs: Number(timestampMs), instance: "i1", stream: "stdout", text: String(text) };
    }
  }
}

/** What a server of one part logs. */
function serverLog(part: string): LogSource | undefined {
  if (part !== "gateway") return undefined;
  const read = async function* (): AsyncGenerator<LogLine> {
    yield { timestampMs: 2, instance: part, stream: "stderr", text: "2026-01-31T12:00:00.000Z warn  slow" };
  };
  return { name: part, version: "1.0.0", read };
}

async function createCaller(folder: string) {
  const runtime = new RecordingRuntime();
  const store = new MemoryStore();
  const sources = new SourceStore({ store, clock: systemClock, runtimeFolder: folder });
  const methods = runtimeMethods({ runtime, sources, clock: systemClock, serverLog });
  const table = createServiceTable({ name: "runtime", version: "latest", methods });
  const call = async (endpoint: string, account: Account | undefined, ...requests: object[]): Promise<unknown[]> => {
    const found = table.method(endpoint) as RpcMethod;
    const answers = found.stream(encode(requests), serverCall(endpoint, account));
    return (await Array.fromAsync(answers)).map((bytes) => JSON.parse(new TextDecoder().decode(bytes)) as unknown);
  };
  return { runtime, sources, call };
}

async function* encode(requests: readonly object[]): AsyncGenerator<Uint8Array> {
  for (const each of requests) yield new TextEncoder().encode(JSON.stringify(each));
}

function serverCall(endpoint: string, account: Account | undefined): ServerCall {
  return {
    path: "/runtime",
    service: "runtime",
    endpoint,
    encoding: "json",
    metadata: {},
    signal: new AbortController().signal,
    deadlineMs: undefined,
    peer: "test",
    account,
    namespace: account?.namespace ?? "micro",
  };
}

const resource = {
  service: { name: "greeter", source: "source://greeter:latest", metadata: { source: "/x", owner: "me" } },
};

describe("the core service runtime", () => {
  it("lets nobody in without the right", async () => {
    await using temp = await createTempFolder();
    const { call, runtime } = await createCaller(temp.path);
    for (const endpoint of ["Runtime.Create", "Runtime.Update", "Runtime.Delete"]) {
      await expect(call(endpoint, undefined, { resource })).rejects.toMatchObject({ code: "unauthenticated" });
      await expect(call(endpoint, member, { resource })).rejects.toMatchObject({ code: "permission_denied" });
      await expect(call(endpoint, stranger, { resource })).rejects.toMatchObject({ code: "permission_denied" });
    }
    await expect(call("Runtime.Read", stranger, {})).rejects.toMatchObject({ code: "permission_denied" });
    await expect(call("Runtime.Read", member, { options: { namespace: "*" } })).rejects.toMatchObject({
      code: "permission_denied",
    });
    await expect(call("Runtime.Logs", member, { service: "greeter" })).rejects.toMatchObject({
      code: "permission_denied",
    });
    await expect(call("Source.Upload", member, { service: { name: "a" } })).rejects.toMatchObject({
      code: "permission_denied",
    });
    await expect(call("Source.Check", member, { sha256: [] })).rejects.toMatchObject({ code: "permission_denied" });
    await expect(call("Build.Read", admin, {})).rejects.toMatchObject({
      code: "not_found",
      message: "Build not found",
    });
    await expect(call("Build.Read", member, { name: "a" })).rejects.toMatchObject({ code: "permission_denied" });
    expect(runtime.calls).toEqual([]);
  });

  it("gives administrators the log of a build", async () => {
    await using temp = await createTempFolder();
    const { call } = await createCaller(temp.path);
    const text = Buffer.from("built greeter").toString("base64");
    expect(await call("Build.Read", admin, { name: "greeter" })).toEqual([{ data: text }]);
  });

  it("creates in the namespace that is named, with the caller as owner", async () => {
    await using temp = await createTempFolder();
    const { call, runtime } = await createCaller(temp.path);
    const options = { namespace: "foo", command: ["sh"], args: ["-c"], env: ["A=b"], instances: "2" };
    expect(await call("Runtime.Create", stranger, { resource, options })).toEqual([{}]);
    const given = { command: ["sh"], args: ["-c"], env: ["A=b"], instances: 2, sourceNamespace: "foo" };
    const key = { namespace: "foo", name: "greeter", version: "latest" };
    const metadata = { source: "/x", group: "foo" };
    expect(runtime.calls).toEqual([["create", key, "source://greeter:latest", { ...given, metadata, owner: "Ann" }]]);
  });

  it("updates what runs already when it is forced to", async () => {
    await using temp = await createTempFolder();
    const { call, runtime } = await createCaller(temp.path);
    runtime.failure = new MicroError("conflict", "runs already");
    await expect(call("Runtime.Create", admin, { resource })).rejects.toMatchObject({ code: "conflict" });
    await call("Runtime.Create", admin, { resource, options: { force: true } });
    expect(runtime.calls.map(([name]) => name)).toEqual(["create", "create", "update"]);
  });

  it("updates what is said and takes everything back where a service is started anew", async () => {
    await using temp = await createTempFolder();
    const { call, runtime } = await createCaller(temp.path);
    const metadata = { source: "/x" };
    const options = { args: ["-v"], env: ["A=b"] };
    await call("Runtime.Update", admin, { resource, options });
    await call("Runtime.Update", admin, { resource, options: { command: ["sh"], instances: "3" } });
    runtime.failure = new MicroError("conflict", "runs already");
    await call("Runtime.Create", admin, { resource, options: { ...options, force: true } });
    const updates = runtime.calls.filter(([name]) => name === "update").map(([, , , given]) => given);
    expect(updates).toEqual([
      { ...options, metadata, sourceNamespace: "micro" },
      { command: ["sh"], instances: 3, metadata, sourceNamespace: "micro" },
      {
        ...options,
        command: [],
        entrypoint: "",
        instances: 0,
        runner: "",
        resources: { memoryBytes: 0, cpuCores: 0 },
        metadata: { ...metadata, group: "micro" },
        sourceNamespace: "micro",
      },
    ]);
  });

  it("refuses a blank resource and images, and accepts the resources of other platforms", async () => {
    await using temp = await createTempFolder();
    const { call, runtime } = await createCaller(temp.path);
    await expect(call("Runtime.Create", admin, {})).rejects.toMatchObject({ message: "blank resource" });
    for (const options of [{ image: "x" }, { volumes: { "/a": "b" } }]) {
      await expect(call("Runtime.Create", admin, { resource, options })).rejects.toMatchObject({
        code: "unimplemented",
      });
    }
    await expect(call("Runtime.Create", admin, { resource: { namespace: {} } })).rejects.toMatchObject({
      code: "invalid_argument",
    });
    expect(await call("Runtime.Create", admin, { resource: { namespace: { name: "foo" } } })).toEqual([{}]);
    expect(runtime.calls).toEqual([]);
  });

  it("shows services with the metadata that the command line reads", async () => {
    await using temp = await createTempFolder();
    const { call } = await createCaller(temp.path);
    const [answer] = (await call("Runtime.Read", member, { options: { service: "greeter" } })) as {
      services: object[];
    }[];
    expect(answer?.services[0]).toMatchObject({
      name: "greeter",
      status: 7,
      error: "exited with code 1",
      metadata: {
        owner: "Ann",
        group: "micro",
        source: "/home/greeter",
        started: "2023-11-14T22:13:20.000Z",
        status: "error",
        error: "exited with code 1",
        service: "hello",
      },
      instances: [{ id: "i1", restarts: 2, status: 7 }],
    });
  });

  it("gives the logs of all versions in the order of their times", async () => {
    await using temp = await createTempFolder();
    const { call } = await createCaller(temp.path);
    const lines = (await call("Runtime.Logs", admin, { service: "greeter" })) as Record<string, unknown>[];
    expect(lines.map(({ message, level }) => [message, level])).toEqual([
      ["first", ""],
      ["warn second", "warn"],
      ['{"level":"error"}', "error"],
    ]);
    expect(lines[1]).toMatchObject({
      stream: "stdout",
      instance: "i1",
      metadata: { service: "greeter", version: "two" },
    });
    expect(await call("Runtime.Logs", admin, { service: "greeter", count: "1" })).toHaveLength(1);
    await expect(call("Runtime.Logs", admin, { service: "other" })).rejects.toMatchObject({ code: "not_found" });
  });

  it("mixes the logs of several services by time, those of the server's parts too", async () => {
    await using temp = await createTempFolder();
    const { call } = await createCaller(temp.path);
    const messages = async (request: object): Promise<unknown[]> =>
      ((await call("Runtime.Logs", admin, request)) as { message: string }[]).map(({ message }) => message);
    const slow = "2026-01-31T12:00:00.000Z warn  slow";
    expect(await messages({ service: "greeter", services: ["gateway"], count: "3" })).toEqual([
      "warn second",
      slow,
      '{"level":"error"}',
    ]);
    expect(await messages({ service: "*" })).toHaveLength(3);
    expect(await messages({ service: "gateway" })).toEqual([slow]);
    await expect(call("Runtime.Logs", admin, {})).rejects.toMatchObject({ code: "invalid_argument" });
    const elsewhere = { service: "gateway", options: { namespace: "foo" } };
    await expect(call("Runtime.Logs", stranger, elsewhere)).rejects.toMatchObject({ code: "not_found" });
    await expect(call("Runtime.Logs", stranger, { service: "gateway" })).rejects.toMatchObject({
      code: "permission_denied",
    });
    await expect(call("Runtime.Logs", member, { service: "gateway" })).rejects.toMatchObject({
      code: "permission_denied",
    });
  });

  it("takes an upload in pieces, into the namespace of its sender", async () => {
    await using temp = await createTempFolder();
    const { call, sources } = await createCaller(temp.path);
    const archive = Buffer.from(tarOf([{ name: "index.ts", text: "export {};" }]));
    const pieces = [archive.subarray(0, 700), archive.subarray(700)].map((each) => ({ data: each.toString("base64") }));
    const answers = await call("Source.Upload", stranger, { service: { name: "greeter" } }, ...pieces);
    expect(answers).toEqual([{ id: "source://greeter:latest" }]);
    expect(await sources.resolve({ namespace: "foo", name: "greeter", version: "latest" })).toBeDefined();
    expect(await sources.resolve({ namespace: "micro", name: "greeter", version: "latest" })).toBeUndefined();
    const sha256 = new Bun.CryptoHasher("sha256").update("export {};").digest("hex");
    expect(await call("Source.Check", stranger, { sha256: [sha256] })).toEqual([{ missing: [] }]);
    expect(await call("Source.Check", admin, { sha256: [sha256] })).toEqual([{ missing: [sha256] }]);
    for (const wrong of ["x", "", sha256.toUpperCase(), "../".repeat(22)]) {
      await expect(call("Source.Check", admin, { sha256: [wrong] })).rejects.toMatchObject({
        code: "invalid_argument",
      });
    }
    await expect(call("Source.Upload", admin)).rejects.toMatchObject({ message: "No service was sent" });
    await expect(call("Source.Upload", admin, { data: "" })).rejects.toMatchObject({ message: "No service was sent" });
  });
});
