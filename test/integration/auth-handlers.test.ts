import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { service, z } from "#service/index.ts";
import type { RunningService } from "#service/running-service.ts";
import { startServer, type TestServer } from "#testing/start-server.ts";
import { waitUntil } from "#testing/wait-until.ts";
import { grpcCall, post } from "./raw-call.ts";
import { Caller, createAccount, testSecret, type Tokens } from "./safety-world.ts";

/** The rules as every place enforces them: the edges, and services that are called at their own port. */
let server: TestServer;
let admin: Caller;
let direct: RunningService;
let ann: Tokens;

beforeAll(async () => {
  server = await startServer();
  admin = new Caller(server, await server.token());
  ann = await createAccount(server, { id: "ann", namespace: "micro", scopes: ["reader"] });
  direct = await startVault();
});

afterAll(async () => {
  await direct.stop();
  await server[Symbol.asyncDispose]();
});

function startVault(): Promise<RunningService> {
  const vault = service("vault", { variables: { ...server.env, MICRO_LOG_LEVEL: "error" } });
  vault.endpoint("Vault.Open", {
    request: z.object({}),
    response: z.object({ who: z.string() }),
    handle: (_, { account }) => ({ who: account?.id ?? "nobody" }),
  });
  return vault.start();
}

interface Place {
  readonly name: string;
  call(token?: string): Promise<number>;
}

function placeOf(name: string, url: () => string): Place {
  return {
    name,
    call: async (token) =>
      (await post(url(), {}, token === undefined ? {} : { authorization: `Bearer ${token}` })).status,
  };
}

const places: readonly Place[] = [
  placeOf("gateway", () => `http://${server.addresses.gateway}/vault/Vault/Open`),
  placeOf("proxy", () => `http://${server.addresses.proxy}/vault.Vault/Open`),
  placeOf("network", () => `http://${server.addresses.network}/vault.Vault/Open`),
  placeOf("the service's HTTP port", () => `http://${direct.httpAddress}/vault.Vault/Open`),
  placeOf("the service's port", () => `http://${direct.address}/vault.Vault/Open`),
  placeOf("the service's port, without its name", () => `http://${direct.address}/Vault/Open`),
];

function statuses(token?: string): Promise<number[]> {
  return Promise.all(places.map((place) => place.call(token)));
}

async function waitFor(status: number, token?: string): Promise<void> {
  await waitUntil(`${status} everywhere`, async () => (await statuses(token)).every((each) => each === status));
}

async function createRule(
  id: string,
  rule: { scope?: string; access: number; priority: number },
  name = "vault",
): Promise<void> {
  const resource = { type: "service", name, endpoint: "*" };
  await admin.get("auth", "Rules.Create", { rule: { id, resource, ...rule } });
}

describe("a rule", () => {
  it("reaches gateway, proxy, network and the service itself, and leaves them again", async () => {
    await waitFor(200);
    await createRule("closed", { access: 2, priority: 1 });
    await waitFor(401);
    await waitFor(403, ann.access);
    await createRule("readers", { scope: "reader", access: 1, priority: 2 });
    await waitFor(200, ann.access);
    expect(await statuses()).toEqual(places.map(() => 401));
    const grpc = await grpcCall(direct.address, "/vault.Vault/Open");
    expect(grpc).toMatchObject({ status: 16 });
    await admin.get("auth", "Rules.Delete", { id: "readers" });
    await admin.get("auth", "Rules.Delete", { id: "closed" });
    await waitFor(200);
  });

  it("never closes the health of a service", async () => {
    await createRule("closed", { access: 2, priority: 1 });
    await waitFor(401);
    expect((await fetch(`http://${direct.httpAddress}/health`)).status).toBe(200);
    expect(await grpcCall(direct.address, "/grpc.health.v1.Health/Check")).toMatchObject({ status: 0 });
    await admin.get("auth", "Rules.Delete", { id: "closed" });
    await waitFor(200);
  });

  it("closes a service of the runtime, on Node too, at its own socket", async () => {
    const example = new URL("../../examples/greeter-node", import.meta.url).pathname;
    expect(await server.micro(["run", example])).toMatchObject({ code: 0 });
    const answer = await admin.get("registry", "Registry.GetService", { service: "greeter-node" });
    const { services } = answer as { services: { nodes: { metadata: Record<string, string> }[] }[] };
    const unix = services[0]?.nodes[0]?.metadata["http"]?.replace("unix:", "") ?? "";
    const call = async (): Promise<number> => {
      const headers = { "content-type": "application/json" };
      const init = { method: "POST", body: '{"name":"Jane"}', headers, unix };
      return (await fetch("http://service/greeter-node.Say/Hello", init)).status;
    };
    expect(await call()).toBe(200);
    await createRule("node", { access: 2, priority: 1 }, "greeter-node");
    await waitUntil("the rule", async () => (await call()) === 401);
    await admin.get("auth", "Rules.Delete", { id: "node" });
    await waitUntil("no rule", async () => (await call()) === 200);
  });

  it("is what why says it is", async () => {
    await createRule("a", { scope: "reader", access: 2, priority: 3 });
    await waitFor(403, ann.access);
    const resource = { type: "service", name: "vault", endpoint: "Vault.Open" };
    for (const [id, token] of [
      ["", undefined],
      ["ann", ann.access],
      ["admin", await server.token()],
    ] as const) {
      const { granted } = (await admin.get("auth", "Auth.Explain", { account_id: id, resource })) as {
        granted: boolean;
      };
      const passed = (await statuses(token)).map((status) => status === 200);
      expect([id, ...passed]).toEqual([id, ...places.map(() => granted)]);
    }
    await admin.get("auth", "Rules.Delete", { id: "a" });
    await waitFor(200, ann.access);
  });
});

describe("a revocation", () => {
  it("reaches a service: its caller is nobody any more, and somebody with the next token", async () => {
    const who = async (token: string): Promise<string> =>
      (await post(`http://${direct.httpAddress}/vault.Vault/Open`, {}, { authorization: `Bearer ${token}` })).text;
    expect(await who(ann.access)).toBe('{"who":"ann"}');
    await admin.get("auth", "Accounts.Revoke", { id: "ann" });
    await waitUntil("nobody", async () => (await who(ann.access)) === '{"who":"nobody"}');
    expect((await statuses(ann.access)).slice(0, 3)).toEqual([401, 401, 401]);
    const login = await new Caller(server).get("auth", "Auth.Token", { id: "ann", secret: testSecret });
    const { token } = login as { token: { access_token: string } };
    expect(await who(token.access_token)).toBe('{"who":"ann"}');
  });
});

describe("a service whose server is away", () => {
  it("goes on with the rules that it knows, and follows again when the server is back", async () => {
    await createRule("closed", { access: 2, priority: 1 });
    await waitFor(401);
    await server.kill("SIGKILL");
    const [http] = places.slice(3);
    expect(await http?.call()).toBe(401);
    await server.start();
    expect(await http?.call()).toBe(401);
    admin = new Caller(server, await server.token());
    await admin.get("auth", "Rules.Delete", { id: "closed" });
    await waitFor(200);
  });
});
