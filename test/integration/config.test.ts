import { describe, expect, it } from "bun:test";
import { z } from "zod";
import { limits } from "#base/limits.ts";
import { expectError } from "#conformance/expect-error.ts";
import { openConfigKeys } from "#core/config/config-keys.ts";
import { StoreConfig } from "#core/config/store-config.ts";
import { Config as ConfigProto } from "#gen/config/config_pb.ts";
import { createConfig } from "#service/config.ts";
import { createProtoClient } from "#service/proto.ts";
import { createTempFolder } from "#testing/temp-folder.ts";
import { runCommand } from "#testing/run-command.ts";
import { waitUntil } from "#testing/wait-until.ts";
import { readdir } from "node:fs/promises";
import { buildSdk } from "../../scripts/build-sdk.ts";
import { openSqliteConfig, serveConfig, type ConfigService, type OpenConfig } from "../conformance/config-service.ts";

interface World extends AsyncDisposable {
  readonly open: OpenConfig;
  readonly service: ConfigService;
}

async function createWorld(): Promise<World> {
  const open = await openSqliteConfig();
  const service = await serveConfig(open.config);
  return {
    open,
    service,
    [Symbol.asyncDispose]: async () => {
      await service[Symbol.asyncDispose]();
      await open[Symbol.asyncDispose]();
    },
  };
}

describe("config.Config on the wire", () => {
  it("answers 404 for a namespace without a document, and null for a path without a value", async () => {
    await using world = await createWorld();
    const client = world.service.client();
    const { detail } = await expectError(client.call("config", "Config.Get", { path: "a" }), "not_found");
    expect(detail).toBe("Not found");
    await expectError(client.call("config", "Config.Read", { path: "a" }), "not_found");
    await expectError(client.call("config", "Config.Delete", { path: "a" }), "not_found");
    await client.call("config", "Config.Set", { path: "a", value: { data: "{}" } });
    expect<unknown>(await client.call("config", "Config.Get", { path: "b" })).toEqual({
      value: { data: "null", format: "json" },
      revision: "1",
    });
  });

  it("refuses a change without a value, and one that is no JSON", async () => {
    await using world = await createWorld();
    const client = world.service.client();
    const missing = await expectError(client.call("config", "Config.Set", { path: "a" }), "invalid_argument");
    expect(missing.detail).toBe("invalid change");
    const body = { path: "a", value: { data: "hunter2", format: "yaml" }, options: { secret: true } };
    const bad = await expectError(client.call("config", "Config.Set", body), "invalid_argument");
    expect(bad.detail).toStartWith("Request is invalid JSON:");
    expect(bad.detail).not.toContain("hunter2");
  });

  it("gives older clients a change set, with secrets masked", async () => {
    await using world = await createWorld();
    const client = world.service.client();
    await createConfig(client).set("a.key", "hunter2", { isSecret: true });
    const { change } = await createProtoClient(client, "config", ConfigProto).read({ namespace: "micro", path: "a" });
    expect(change).toMatchObject({ namespace: "micro", path: "a" });
    expect(change?.changeSet).toMatchObject({ data: '{"key":"[secret]"}', format: "json" });
    expect(Math.abs(Number(change?.changeSet?.timestamp) - Date.now() / 1_000)).toBeLessThan(60);
  });

  it("lets administrators of a namespace at its document, and nobody else", async () => {
    await using world = await createWorld();
    const as = (token: string, namespace = "micro"): ReturnType<typeof createConfig> =>
      createConfig(world.service.client(token, namespace));
    await as("admin").set("a", 1);
    await as("other-admin", "other").set("a", 2);
    expect(await as("other-service", "other").int("a")).toBe(2);
    expect(await as("admin", "other").int("a")).toBe(2);
    await expectError(as("nobody").get("a"), "unauthenticated");
    for (const config of [as("user"), as("other-admin"), as("other-service")]) {
      for (const attempt of [
        () => config.get("a"),
        () => config.set("a", 1),
        () => config.delete("a"),
        () => config.history(),
        () => config.rollback(1),
        () => config.watch("a")[Symbol.asyncIterator]().next(),
        () => config.rotateKey(),
      ]) {
        await expectError(attempt(), "permission_denied");
      }
    }
    await expectError(as("other-admin", "other").rotateKey(), "permission_denied");
  });

  it("takes the namespace of the call for an empty one", async () => {
    await using world = await createWorld();
    const client = world.service.client("other-admin", "other");
    await client.call("config", "Config.Set", { path: "a", value: { data: "7" } });
    expect((await world.open.config.read({ namespace: "other", path: "a" })).json).toBe("7");
    expect((await world.open.config.history({ namespace: "other", path: "" }))[0]?.account).toBe("other-admin");
  });
});

describe("createConfig()", () => {
  it("reads typed values, and the fallback where nothing is", async () => {
    await using world = await createWorld();
    const config = createConfig(world.service.client());
    await config.set("", {
      port: "8080",
      rate: 0.5,
      on: "true",
      wait: "1m30s",
      hosts: ["a", "b"],
      mail: { from: "me" },
    });
    expect(await config.int("port", 1)).toBe(8080);
    expect(await config.string("port")).toBe("8080");
    expect(await config.float("rate", 1)).toBe(0.5);
    expect(await config.bool("on", false)).toBe(true);
    expect(await config.duration("wait", 1)).toBe(90_000);
    expect(await config.list("hosts")).toEqual(["a", "b"]);
    expect(await config.object("mail")).toEqual({ from: "me" });
    expect(await config.get("mail.from")).toBe("me");
    expect(await config.int("missing", 5)).toBe(5);
    expect(await config.string("missing")).toBeUndefined();
    expect(await config.get("missing")).toBeUndefined();
    const { detail } = await expectError(config.int("mail.from", 5), "failed_precondition");
    expect(detail).toBe('config "mail.from" is some other text, expected a whole number below 2^53');
  });

  it("reads through a schema with its defaults, converting text", async () => {
    await using world = await createWorld();
    const config = createConfig(world.service.client());
    const schema = z.object({ host: z.string(), port: z.number().int().default(25), tls: z.boolean().default(true) });
    await config.set("mail", { host: "h", port: "587" });
    const mail: { host: string; port: number; tls: boolean } = await config.get("mail", schema);
    expect(mail).toEqual({ host: "h", port: 587, tls: true });
    expect(await config.get("missing", z.number().default(3))).toBe(3);
    await config.set("mail.port", "hunter2");
    const { detail } = await expectError(config.get("mail", schema), "failed_precondition");
    expect(detail).toBe('config "mail" does not match its schema: port: expected number, got string');
  });

  it("shows a secret to secret() alone", async () => {
    await using world = await createWorld();
    const config = createConfig(world.service.client());
    await config.set("db", { password: "hunter2" }, { isSecret: true });
    expect(await config.secret("db.password")).toBe("hunter2");
    expect(await config.secret("db.missing")).toBeUndefined();
    expect(await config.get("db")).toEqual({ password: "[secret]" });
    expect(await config.get("db", { showsSecrets: true })).toEqual({ password: "hunter2" });
    const { detail } = await expectError(config.string("db.password"), "failed_precondition");
    expect(detail).toBe('config "db.password" is a secret: read it with secret()');
  });

  it("lets no mask through a schema", async () => {
    await using world = await createWorld();
    const config = createConfig(world.service.client());
    await config.set("db", { host: "h", login: { password: "hunter2" } });
    await config.set("db.login.password", "hunter2", { isSecret: true });
    const login = z.object({ password: z.string() });
    const { detail } = await expectError(config.get("db", z.object({ login })), "failed_precondition");
    expect(detail).toBe('config "db.login.password" is a secret: read it with showsSecrets');
    expect(await config.get("db", z.object({ host: z.string() }))).toEqual({ host: "h" });
    expect(await config.get("db.login", login, { showsSecrets: true })).toEqual({ password: "hunter2" });
  });

  it("refuses a revision or a limit that is no count before it asks", async () => {
    await using world = await createWorld();
    const config = createConfig(world.service.client());
    await expectError(config.history("", -1), "invalid_argument");
    await expectError(config.rollback(1.5), "invalid_argument");
    await expectError(config.set("a", 1, { expectedRevision: -1 }), "invalid_argument");
  });

  it("keeps all digits in read() and setJson()", async () => {
    await using world = await createWorld();
    const config = createConfig(world.service.client());
    await config.setJson("big", "12345678901234567890");
    expect(await config.read("big")).toEqual({ json: "12345678901234567890", revision: 1 });
    expect(await config.string("big")).toBe("12345678901234567890");
  });

  it("is silent about deleting what is not there", async () => {
    await using world = await createWorld();
    const config = createConfig(world.service.client());
    expect(await config.delete("a")).toBe(0);
    await config.set("b", 1);
    expect(await config.delete("a")).toBe(1);
  });

  it("watches values through a restart of the server", async () => {
    await using world = await createWorld();
    const config = createConfig(world.service.client());
    await config.set("level", "info");
    const breaks: string[] = [];
    const watch = config.watch("level", z.string(), { onBreak: (reason) => breaks.push(reason.code) });
    const values = watch[Symbol.asyncIterator]();
    expect((await values.next()).value).toBe("info");
    const next = values.next();
    await world.service.stop();
    await waitUntil("the watch breaks", () => breaks.length > 0);
    await world.service.start();
    await createConfig(world.service.client()).set("level", "debug");
    expect((await next).value).toBe("debug");
    await values.return?.();
    await waitUntil("the watcher has left", () => world.open.config.watcherCount === 0);
  });

  it("ends a watch with its client, with its signal and with its reader", async () => {
    await using world = await createWorld();
    const client = world.service.client();
    const config = createConfig(client);
    const end = new AbortController();
    const byClient = config.watch("a")[Symbol.asyncIterator]();
    const bySignal = config.watch("a", { signal: end.signal })[Symbol.asyncIterator]();
    await byClient.next();
    await bySignal.next();
    for await (const value of config.watch("a")) {
      expect(value).toBeUndefined();
      break;
    }
    await waitUntil("the reader has left", () => world.open.config.watcherCount === 2);
    const ended = bySignal.next();
    end.abort();
    expect((await ended).done).toBe(true);
    await waitUntil("the signal has ended one", () => world.open.config.watcherCount === 1);
    const last = byClient.next();
    await client.stop();
    expect((await last).done).toBe(true);
    await waitUntil("the client has ended one", () => world.open.config.watcherCount === 0);
  });

  it.each([
    ["Node", "node"],
    ["Bun", process.execPath],
  ])("runs from the built package on %s", async (_name, program) => {
    await using world = await createWorld();
    await using folder = await createTempFolder();
    await buildSdk(`${folder.path}/node_modules/micro-ts`);
    await Bun.write(`${folder.path}/package.json`, '{"type": "module"}');
    await Bun.write(`${folder.path}/main.js`, script);
    const command = program === "node" ? [program, "main.js"] : [program, "--no-install", "main.js"];
    const env = { PATH: process.env["PATH"] ?? "", ADDRESS: world.service.address };
    const { code, stdout, stderr } = await runCommand(command, { cwd: folder.path, env });
    expect([code, stdout.trim(), stderr]).toEqual([0, '[8080,"hunter2",{"port":8080},"info","debug"]', ""]);
  });
});

const script = `
import { z } from "micro-ts";
import { createClient } from "micro-ts/client";
import { createConfig } from "micro-ts/config";
const client = createClient({ address: process.env.ADDRESS, token: "admin", namespace: "micro", name: "lab" });
const config = createConfig(client);
await config.set("server.port", "8080");
await config.set("key", "hunter2", { isSecret: true });
await config.set("level", "info");
const levels = [];
for await (const level of config.watch("level")) {
  levels.push(level);
  if (level === "debug") break;
  await config.set("level", "debug");
}
const answers = [await config.int("server.port"), await config.secret("key")];
answers.push(await config.get("server", z.object({ port: z.number() })), ...levels);
console.log(JSON.stringify(answers));
await client.stop();
`;

describe("StoreConfig", () => {
  it("leaves no secret and no key in the files of the store, and none in the history", async () => {
    await using open = await openSqliteConfig();
    const at = { namespace: "micro", path: "a" };
    const by = { account: "admin", isSecret: true };
    await open.config.set(at, '{"x":"hunter2hunter2","y":["hunter2hunter2"]}', by);
    await open.config.set(at, '{"x":"hunter2hunter2-2","y":{"z":"hunter2hunter2"}}', { account: "admin" });
    await open.config.rotateKey();
    await open.config.rollback("micro", 1, { account: "admin" });
    await open.config.delete(at, { account: "admin" });
    expect(JSON.stringify(await open.config.history(at))).not.toContain("hunter2");
    const key = (await Bun.file(open.keyFile).text()).trim();
    const names = await readdir(`${open.folder}/store`);
    expect(names).toContain("store.db");
    for (const name of names) {
      const bytes = Buffer.from(await Bun.file(`${open.folder}/store/${name}`).arrayBuffer());
      expect([name, bytes.includes("hunter2"), bytes.includes(key)]).toEqual([name, false, false]);
    }
  });

  it("says which key a secret needs when it is gone, and reads everything else", async () => {
    await using open = await openSqliteConfig();
    await open.config.set({ namespace: "micro", path: "a.key" }, '"hunter2"', { account: "admin", isSecret: true });
    await open.config.set({ namespace: "micro", path: "a.x" }, "1", { account: "admin" });
    const line = await Bun.file(open.keyFile).text();
    await Bun.file(open.keyFile).delete();
    const keys = await openConfigKeys(open.keyFile);
    const later = new StoreConfig({ store: open.store, keys });
    const key = { namespace: "micro", path: "a" };
    expect((await later.read(key)).json).toBe('{"key":"[secret]","x":1}');
    expect((await later.read({ ...key, path: "a.x" }, { showsSecrets: true })).json).toBe("1");
    const { detail } = await expectError(later.read(key, { showsSecrets: true }), "failed_precondition");
    expect(detail).toMatch(/^secret "a.key" of namespace micro needs key [0-9a-f]{8}, which is not in /);
    await later.set({ ...key, path: "a.new" }, '"kept"', { account: "admin", isSecret: true });
    await later.rotateKey();
    await Bun.write(open.keyFile, (await Bun.file(open.keyFile).text()) + line);
    expect((await later.read(key, { showsSecrets: true })).json).toBe('{"key":"hunter2","new":"kept","x":1}');
    await later.stop();
  });

  it("opens no secret that was moved to another place on disk", async () => {
    await using open = await openSqliteConfig();
    await open.config.set({ namespace: "micro", path: "a" }, '{"key":"hunter2"}', { account: "admin", isSecret: true });
    const scope = { database: "micro", table: "config" };
    const record = await open.store.read(scope, "micro");
    await open.store.write([{ kind: "put", scope, key: "other", value: record?.value ?? new Uint8Array() }]);
    const moved = open.config.read({ namespace: "other", path: "a" }, { showsSecrets: true });
    expect((await expectError(moved, "internal")).detail).toBe(
      'secret "a.key" of namespace other is damaged: set it again',
    );
  });

  it("bounds the watchers of a document, and ends them when it stops", async () => {
    await using open = await openSqliteConfig();
    const key = { namespace: "micro", path: "a" };
    const watches = Array.from({ length: limits.configWatcherCountMax }, () =>
      open.config.watch(key)[Symbol.asyncIterator](),
    );
    await Promise.all(watches.map((watch) => watch.next()));
    expect(() => open.config.watch(key)[Symbol.asyncIterator]()).toThrow("more are not possible");
    await watches[0]?.return?.();
    const fresh = open.config.watch(key)[Symbol.asyncIterator]();
    await fresh.next();
    const next = fresh.next();
    await open.config.set(key, "1", { account: "admin" });
    expect((await next).value).toEqual({ json: "1", revision: 1 });
    const last = fresh.next();
    await open.config.stop();
    expect((await last).done).toBe(true);
    expect(open.config.watcherCount).toBe(0);
  });

  it("shows the size of a big value in the history, and rolls back to it", async () => {
    await using open = await openSqliteConfig();
    const key = { namespace: "micro", path: "a" };
    const big = JSON.stringify("x".repeat(limits.configHistoryValueBytesMax));
    await open.config.set(key, big, { account: "admin" });
    await open.config.set(key, "1", { account: "admin" });
    expect((await open.config.history(key)).map((each) => each.json)).toEqual(["1", `"[${big.length} bytes]"`]);
    await open.config.rollback("micro", 1, { account: "admin" });
    expect((await open.config.read(key)).json).toBe(big);
  });

  it("refuses a document of a newer version", async () => {
    await using open = await openSqliteConfig();
    const scope = { database: "micro", table: "config" };
    const value = new TextEncoder().encode('{"format":2,"revision":1,"root":[]}');
    await open.store.write([{ kind: "put", scope, key: "micro", value }]);
    await expectError(open.config.read({ namespace: "micro", path: "" }), "failed_precondition");
    await open.store.write([{ kind: "put", scope, key: "micro", value: new Uint8Array(3) }]);
    await expectError(open.config.read({ namespace: "micro", path: "" }), "internal");
  });
});
