import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { connect } from "node:net";
import { networkInterfaces } from "node:os";
import { startServer, type TestServer } from "#testing/start-server.ts";
import { Caller, createAccount } from "./safety-world.ts";

let server: TestServer;
let chief: Caller;

beforeAll(async () => {
  server = await startServer();
  const { access } = await createAccount(server, { id: "chief", namespace: "shop", scopes: ["admin"] });
  chief = new Caller(server, access);
}, 30_000);

afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

const names = ["../micro", "../../x", "/etc/passwd", "a/../../micro/auth", "..", ".", "a\0b", "a\nb", "%2e%2e%2f", "*"];

/** A call of each core service whose request has such a name in it, everywhere that a name goes. */
function requestsWith(name: string): [service: string, endpoint: string, body: unknown][] {
  const options = { database: name, table: name, namespace: name, domain: name };
  const own = { ...options, database: "shop", namespace: "shop", domain: "shop" };
  const blob = { ...own, namespace: name };
  return [
    ["store", "Store.Read", { key: "account/micro/admin", options }],
    ["store", "Store.Read", { key: "account/micro/admin", options: own }],
    ["store", "Store.Write", { record: { key: "k", value: "AA==" }, options: own }],
    ["store", "Store.Tables", { database: name }],
    ["store", "BlobStore.List", { options: blob }],
    ["store", "BlobStore.Delete", { key: "k", options: blob }],
    ["config", "Config.Get", { namespace: name }],
    ["config", "Config.Set", { namespace: name, path: "a", value: { data: "1" } }],
    ["events", "Stream.Publish", { topic: name, payload: "AA==" }],
    ["broker", "Broker.Publish", { topic: name, message: { body: "AA==" } }],
    ["registry", "Registry.Register", { name, version: "1", nodes: [{ id: "n", address: "a:1" }], options: own }],
    ["registry", "Registry.GetService", { service: "auth", options }],
    ["auth", "Auth.Generate", { id: name, options: { namespace: "shop" } }],
    ["auth", "Auth.Generate", { id: "x", options: { namespace: name } }],
    ["auth", "Auth.Token", { id: name, secret: "x", options: { namespace: name } }],
    ["auth", "Accounts.List", { options: { namespace: name } }],
    ["runtime", "Runtime.Create", { resource: { service: { name, source: "x" } }, options: { namespace: "shop" } }],
    ["runtime", "Runtime.Delete", { resource: { service: { name } }, options: { namespace: "shop" } }],
    ["runtime", "Runtime.Read", { options: { namespace: name } }],
  ];
}

describe("a name that leads elsewhere", () => {
  it("is refused at the door by every core service, with one sentence", async () => {
    // What is looked up may be answered with what the caller may see. Logins under names that are none soon wait (429).
    const harmless = new Set(["Registry.GetService"]);
    for (const name of names) {
      for (const [service, endpoint, body] of requestsWith(name)) {
        const { status, text } = await chief.call(service, endpoint, body, { "micro-namespace": "shop" });
        const isRefused = [400, 401, 403, 404, 429].includes(status) || harmless.has(endpoint);
        expect({ name, endpoint, status, text, isRefused }).toMatchObject({ isRefused: true });
        expect(text).not.toContain("argon2");
        expect(text).not.toMatch(/\.ts:|at .*\(/);
      }
    }
  }, 30_000);

  it("leaves nothing behind where it leads", async () => {
    expect(await Bun.file(`${server.home}/../x`).exists()).toBe(false);
    const databases = (await server.micro(["store", "databases"])).stdout.trim().split("\n");
    expect(databases.filter((name) => /[./*]/.test(name))).toEqual([]);
  });
});

const outside = Object.values(networkInterfaces())
  .flatMap((each) => each ?? [])
  .find(({ internal, family }) => !internal && family === "IPv4")?.address;

describe("a server that was told nothing of addresses", () => {
  const lack = outside === undefined ? " (skipped: this machine has no address but its own)" : "";
  it.skipIf(outside === undefined)(`listens to nobody but this machine${lack}`, async () => {
    const { gateway, proxy, network, registry, broker } = server.addresses;
    for (const address of [gateway, proxy, network, registry, broker]) {
      expect(address).toStartWith("127.0.0.1:");
      const port = Number(address?.split(":")[1]);
      expect(await canConnect("127.0.0.1", port)).toBe(true);
      expect(await canConnect(outside ?? "", port)).toBe(false);
    }
  });
});

function canConnect(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const finish = (isOpen: boolean): void => {
      socket.destroy();
      resolve(isOpen);
    };
    socket.once("connect", () => finish(true));
    socket.once("error", () => finish(false));
  });
}
