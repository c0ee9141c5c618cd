import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { startServer, type TestServer } from "#testing/start-server.ts";
import { createTempFolder, type TempFolder } from "#testing/temp-folder.ts";
import { expectRefusal, grpcCall, post, request } from "./raw-call.ts";
import { roughService } from "./rough-service.ts";
import { Caller, createAccount } from "./safety-world.ts";

/** Who may do what on a real server: nobody anything in the core, and nobody anything in the namespace of another. */
let server: TestServer;
let folder: TempFolder;
/** Services that keep data: what of it is whose is another test's. */
const dataServices = ["backup", "broker", "config", "events", "store"];
/** `service Endpoint` of every endpoint that the registry lists for the core. */
let endpoints: readonly (readonly [string, string])[];

const open: ReadonlySet<string> = new Set(["Auth.Token", "Auth.Inspect", "Auth.Revoke"]);

beforeAll(async () => {
  [server, folder] = await Promise.all([startServer(), createTempFolder()]);
  await Bun.write(`${folder.path}/rough/index.ts`, roughService);
  expect(await server.micro(["run", `${folder.path}/rough`])).toMatchObject({ code: 0 });
  const admin = new Caller(server, await server.token());
  const listed: (readonly [string, string])[] = [];
  for (const service of ["auth", "registry", "runtime", ...dataServices]) {
    const answer = await admin.get("registry", "Registry.GetService", { service });
    const { services } = answer as { services: { endpoints: { name: string }[] }[] };
    for (const each of services) for (const { name } of each.endpoints) listed.push([service, name]);
  }
  endpoints = listed;
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

/** gRPC statuses of all endpoints but the open ones, called with `body`; `name status`. */
async function statusesOf(
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
  skipped: readonly string[] = [],
): Promise<readonly string[]> {
  const found: string[] = [];
  for (const [service, endpoint] of endpoints) {
    if (open.has(endpoint) || skipped.includes(endpoint) || skipped.includes(service)) continue;
    const path = `/${service}.${endpoint.replace(".", "/")}`;
    const { status } = await grpcCall(server.addresses.proxy, path, { messages: [body], headers });
    found.push(`${endpoint} ${status}`);
  }
  return found;
}

const statusUnauthenticated = 16;
const statusForbidden = 7;

describe("the core services", () => {
  it("answer nobody without an account, on any port", async () => {
    expect(endpoints.length).toBeGreaterThan(20);
    const found = await statusesOf({});
    expect(found).toEqual(found.map((each) => each.replace(/\d+$/, String(statusUnauthenticated))));
    for (const [service, endpoint] of endpoints) {
      if (open.has(endpoint)) continue;
      const [type = "", method = ""] = endpoint.split(".");
      const answers = await Promise.all([
        post(`http://${server.addresses.gateway}/${service}/${type}/${method}`, {}),
        grpcCall(server.addresses.network, `/${service}.${type}/${method}`),
      ]);
      // An endpoint that takes a stream is none of the gateway's, whoever asks.
      expect({ endpoint, status: [401, 400].includes(answers[0].status) }).toEqual({ endpoint, status: true });
      expect({ endpoint, status: answers[1].status }).toEqual({ endpoint, status: statusUnauthenticated });
    }
  });

  it("forbid a user of another namespace everything in micro", async () => {
    const { access } = await createAccount(server, { id: "jane", namespace: "shop" });
    const body = {
      id: "x",
      options: { namespace: "micro", domain: "micro" },
      resource: { service: { name: "rough" } },
    };
    // What was built is looked up by nothing yet, so there is nothing to forbid.
    const found = await statusesOf(body, { authorization: `Bearer ${access}` }, ["Build.Read", ...dataServices]);
    expect(found).toEqual(found.map((each) => each.replace(/\d+$/, String(statusForbidden))));
  });

  it("forbid a service and an administrator of another namespace everything in micro and in all at once", async () => {
    const accounts = [
      { id: "orders", namespace: "shop", type: "service", scopes: ["service"] },
      { id: "boss", namespace: "shop", scopes: ["admin"] },
    ];
    // Sources belong to the namespace of whoever sends them.
    const own = ["Build.Read", "Source.Upload", "Source.Check", ...dataServices];
    for (const account of accounts) {
      const { access } = await createAccount(server, account);
      for (const name of ["micro", "*"]) {
        const body = { id: "x", options: { namespace: name, domain: name }, resource: { service: { name: "rough" } } };
        const found = await statusesOf(body, { authorization: `Bearer ${access}` }, own);
        expect(found).toEqual(found.map((each) => each.replace(/\d+$/, String(statusForbidden))));
      }
    }
    expect((await server.micro(["status", "rough"])).stdout).toMatch(/running/);
  });

  it("show another namespace none of its logs, services or accounts", async () => {
    const { access } = await createAccount(server, { id: "chief", namespace: "shop", scopes: ["admin"] });
    const chief = new Caller(server, access);
    const options = { namespace: "shop", domain: "shop" };
    expect(await chief.get("runtime", "Runtime.Read", { options })).toMatchObject({ services: [] });
    expect(await chief.get("registry", "Registry.ListServices", { options })).toMatchObject({ services: [] });
    const accounts = JSON.stringify(await chief.get("auth", "Accounts.List", { options }));
    expect(accounts).not.toContain('"admin"}');
    expect(accounts).not.toContain('"issuer":"micro"');
    const headers = { authorization: `Bearer ${access}` };
    const logs = (namespace: string): ReturnType<typeof grpcCall> =>
      grpcCall(server.addresses.proxy, "/runtime.Runtime/Logs", {
        messages: [{ service: "rough", options: { namespace } }],
        headers,
      });
    expect(await logs("micro")).toMatchObject({ status: statusForbidden });
    expect(await logs("shop")).toMatchObject({ status: 5 });
  });

  it("do not let an ordinary user of micro administer it", async () => {
    const { access } = await createAccount(server, { id: "joe", namespace: "micro" });
    const joe = new Caller(server, access);
    const resource = { service: { name: "rough", version: "latest", source: "x" } };
    const refused = [
      ["auth", "Auth.Generate", { id: "evil", scopes: ["admin"] }],
      ["auth", "Accounts.List", {}],
      ["auth", "Accounts.Delete", { id: "admin" }],
      ["auth", "Rules.Create", { rule: { id: "x" } }],
      ["runtime", "Runtime.Create", { resource }],
      ["runtime", "Runtime.Delete", { resource }],
      ["registry", "Registry.Register", { name: "rough", version: "1", nodes: [{ id: "x", address: "a:1" }] }],
      ["registry", "Registry.Deregister", { name: "rough", version: "1.0.0" }],
    ] as const;
    for (const [service, endpoint, body] of refused) {
      const { status } = await joe.call(service, endpoint, body);
      // Micro answers accounts without the scope with 401, and so does nobody's login become an administrator's.
      expect({ endpoint, isRefused: status === 401 || status === 403 }).toEqual({ endpoint, isRefused: true });
    }
    expectRefusal(
      await joe.call("auth", "Accounts.ChangeSecret", { id: "admin", old_secret: "guess", new_secret: "mine" }),
      400,
      "Secret not correct",
    );
  });
});

describe("the header micro-namespace", () => {
  it("does not take an account out of its namespace", async () => {
    const { access } = await createAccount(server, { id: "jim", namespace: "shop", scopes: ["admin"] });
    const headers = { authorization: `Bearer ${access}`, "micro-namespace": "micro" };
    const url = `http://${server.addresses.proxy}/rough.Rough/Echo`;
    expectRefusal(await post(url, {}, headers), 403, "may not act in namespace micro");
    expectRefusal(await post(`http://${server.addresses.gateway}/rough/Echo`, {}, headers), 403, "may not act");
    expectRefusal(await post(url, {}, { ...headers, "micro-namespace": "other" }), 403, "may not act");
    const call = new Caller(server, access).call("auth", "Accounts.List", { options: { namespace: "micro" } }, headers);
    expectRefusal(await call, 403, "");
  });
});

describe("a node in the registry", () => {
  it("belongs to no process but that of its account, and to no namespace but its own", async () => {
    const { access } = await createAccount(server, {
      id: "spy",
      namespace: "shop",
      type: "service",
      scopes: ["service"],
    });
    const spy = new Caller(server, access);
    const admin = new Caller(server, await server.token());
    const [rough] = (
      (await admin.get("registry", "Registry.GetService", { service: "rough" })) as {
        services: { nodes: { metadata: Record<string, string> }[] }[];
      }
    ).services;
    const instance = rough?.nodes[0]?.metadata["instance"] ?? "";
    expect(instance).not.toBe("");
    const node = { id: "spy-1", address: "127.0.0.1:9", metadata: { instance } };
    await spy.get("registry", "Registry.Register", {
      name: "rough",
      version: "1",
      nodes: [node],
      metadata: { domain: "micro" },
      options: { domain: "shop" },
    });
    const seen = await spy.get("registry", "Registry.GetService", { service: "rough", options: { domain: "shop" } });
    expect(seen).toMatchObject({
      services: [{ metadata: { domain: "shop" }, nodes: [{ id: "spy-1", metadata: {} }] }],
    });
    expect(JSON.stringify(seen)).not.toContain(instance);
    expect((await post(`http://${server.addresses.gateway}/rough/Echo`, { text: "a" })).text).toBe('{"text":"a"}');
  });
});

describe("a page of another origin", () => {
  it("gets no credentials and cannot use the cookie", async () => {
    const token = await server.token();
    const url = `http://${server.addresses.gateway}/auth/Accounts/List`;
    const headers = { cookie: `micro-token=${token}`, origin: "http://evil.example" };
    const answer = await request(url, { headers });
    expect(answer.status).toBe(401);
    expect(answer.headers.get("access-control-allow-origin")).not.toBe("http://evil.example");
    expect(answer.headers.get("access-control-allow-credentials")).toBe(null);
    const asked = await request(url, { method: "OPTIONS", headers });
    expect(asked.headers.get("access-control-allow-credentials")).toBe(null);
    expect((await request(url, { headers: { cookie: `micro-token=${token}` } })).status).toBe(200);
  });

  it("cannot use the cookie over a WebSocket, as a page of ours does", async () => {
    const cookie = `micro-token=${await server.token()}`;
    const { gateway } = server.addresses;
    expect(await firstMessage(gateway, { cookie, origin: `http://${gateway}` })).toEqual({ keys: [] });
    for (const headers of [{ cookie, origin: "http://evil.example" }, { origin: `http://${gateway}` }]) {
      expect(await firstMessage(gateway, headers)).toMatchObject({ error: { code: 401 } });
    }
  });
});

/** What a WebSocket on a stream of records hears first. */
function firstMessage(gateway: string, headers: Record<string, string>): Promise<unknown> {
  const socket = new WebSocket(`ws://${gateway}/store/store/list?options.prefix=nothing`, { headers });
  return new Promise((resolve, reject) => {
    socket.addEventListener("message", ({ data }) => {
      socket.close();
      resolve(JSON.parse(String(data)));
    });
    socket.addEventListener("error", () => reject(new Error("the socket was refused")));
  });
}
