import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { MicroError } from "#base/error.ts";
import { createClient } from "#service/client.ts";
import { startServer, type TestServer } from "#testing/start-server.ts";
import { waitUntil } from "#testing/wait-until.ts";
import { grpcCall } from "./raw-call.ts";
import { Caller, createAccount } from "./safety-world.ts";

/** Rules about what the core services keep, on a real server, for accounts of namespace `shop`. */
let server: TestServer;
let admin: Caller;
let reader: Caller;
let chief: Caller;
let worker: Caller;
let readerToken: string;

const shop = { namespace: "shop" };
const marker = "known-to-micro-alone";

beforeAll(async () => {
  server = await startServer();
  admin = new Caller(server, await server.token());
  readerToken = (await createAccount(server, { id: "ann", ...shop, scopes: ["reader"] })).access;
  reader = new Caller(server, readerToken);
  chief = new Caller(server, (await createAccount(server, { id: "chief", ...shop, scopes: ["admin"] })).access);
  const service = { id: "orders-1", ...shop, type: "service", scopes: ["service"] };
  worker = new Caller(server, (await createAccount(server, service)).access);
  for (const [target, endpoint, body] of writesOf("micro", toBase64(marker))) await admin.get(target, endpoint, body);
});

afterAll(() => server[Symbol.asyncDispose]());

type Request = readonly [service: string, endpoint: string, body: object];

function toBase64(text: string): string {
  return Buffer.from(text).toString("base64");
}

/** One write of every kind of data; events and messages go where the call acts. */
function writesOf(namespace: string, payload: string): readonly Request[] {
  const scope = { database: namespace, table: "orders" };
  const value = { data: JSON.stringify(Buffer.from(payload, "base64").toString()) };
  return [
    ["events", "Stream.Publish", { topic: "orders", payload }],
    ["broker", "Broker.Publish", { topic: "orders", message: { body: payload } }],
    ["config", "Config.Set", { namespace, path: "mail.from", value }],
    ["store", "Store.Write", { record: { key: "a", value: payload }, options: scope }],
  ];
}

function readsOf(namespace: string): readonly Request[] {
  const options = { database: namespace, table: "orders" };
  return [
    ["events", "Store.Read", { topic: "orders" }],
    ["config", "Config.Get", { namespace, path: "mail.from" }],
    ["config", "Config.Get", { namespace, path: "" }],
    ["config", "Config.History", { namespace, path: "" }],
    ["store", "Store.Read", { key: "a", options }],
    ["store", "Store.Read", { key: "", options: { ...options, prefix: true } }],
    ["store", "Store.Tables", { database: namespace }],
    ["store", "BlobStore.Stat", { key: "orders/a", options: { namespace } }],
    ["store", "BlobStore.List", { options: { namespace } }],
    ["events", "Stream.ListTopics", {}],
  ];
}

async function statusOf(caller: Caller, [service, endpoint, body]: Request): Promise<number> {
  return (await caller.call(service, endpoint, body)).status;
}

/** Makes rules of shop for the time of `check`: `grant SCOPE TYPE:NAME:ENDPOINT`. */
async function withRules(texts: readonly string[], check: () => Promise<void>): Promise<void> {
  const ids = texts.map((_, index) => `rule-${index}`);
  for (const [index, text] of texts.entries()) {
    const [verb, scope, resource = ""] = text.split(" ");
    const [type, name, endpoint] = resource.split(":");
    const rule = { id: ids[index], scope, resource: { type, name, endpoint }, access: verb === "grant" ? 1 : 2 };
    await admin.get("auth", "Rules.Create", { rule: { ...rule, priority: 1 }, options: shop });
  }
  try {
    await check();
  } finally {
    for (const id of ids) await admin.get("auth", "Rules.Delete", { id, options: shop });
  }
}

describe("data of a namespace", () => {
  it("is for its administrators and services, and messages for all of its accounts", async () => {
    for (const request of writesOf("shop", toBase64("x"))) {
      const isMessage = request[0] === "broker";
      const found = await Promise.all([reader, chief, worker, admin].map((each) => statusOf(each, request)));
      expect([request[1], ...found]).toEqual([request[1], isMessage ? 200 : 403, 200, 200, 200]);
    }
  });

  it("is opened to a scope by a rule, for what it names alone", async () => {
    const grants: readonly (readonly [string, Request])[] = [
      ["stream:orders:publish", ["events", "Stream.Publish", { topic: "orders" }]],
      ["stream:orders:read", ["events", "Store.Read", { topic: "orders" }]],
      ["config:mail:read", ["config", "Config.Get", { namespace: "shop", path: "mail.from" }]],
      ["config:mail:write", ["config", "Config.Set", { namespace: "shop", path: "mail.to", value: { data: "1" } }]],
      ["config:mail:secret", ["config", "Config.Get", { namespace: "shop", path: "mail", options: { secret: true } }]],
      ["store:orders:read", ["store", "Store.Read", { key: "a", options: { database: "shop", table: "orders" } }]],
      ["store:*:list", ["store", "Store.Tables", { database: "shop" }]],
      ["blob:orders:read", ["store", "BlobStore.List", { options: { namespace: "shop", prefix: "orders/" } }]],
    ];
    for (const [resource, request] of grants) {
      expect([resource, await statusOf(reader, request)]).toEqual([resource, 403]);
      await withRules([`grant reader ${resource}`], async () => {
        const passed = [];
        for (const [other, asked] of grants) if ((await statusOf(reader, asked)) === 200) passed.push(other);
        expect(passed).toEqual([resource]);
      });
      expect([resource, await statusOf(reader, request)]).toEqual([resource, 403]);
    }
  });

  it("is closed to services and administrators by a rule", async () => {
    await withRules(
      ["deny service *:orders:*", "deny * config:mail:*", "deny reader topic:orders:publish"],
      async () => {
        const [publish, message, set, write] = writesOf("shop", toBase64("x")) as [Request, Request, Request, Request];
        for (const [caller, expected] of [
          [worker, [403, 403, 403, 403]],
          [chief, [200, 200, 403, 200]],
          [reader, [403, 403, 403, 403]],
        ] as const) {
          const found = [];
          for (const each of [publish, message, set, write]) found.push(await statusOf(caller, each));
          expect(found).toEqual([...expected]);
        }
        expect(await statusOf(chief, ["config", "Config.Get", { namespace: "shop", path: "" }])).toBe(403);
        expect(await statusOf(chief, ["config", "Config.Rollback", { namespace: "shop", revision: "1" }])).toBe(403);
      },
    );
  });

  it("is not heard through a pattern that covers a topic which is denied", async () => {
    const subscribe = (topic: string): Promise<{ status: number }> =>
      grpcCall(server.addresses.proxy, "/broker.Broker/Subscribe", {
        messages: [{ topic }],
        headers: { authorization: `Bearer ${readerToken}`, "grpc-timeout": "200m" },
      });
    await withRules(["deny reader topic:orders.Paid:subscribe"], async () => {
      for (const topic of ["orders.Paid", "orders.*", "*.*", ">", "ORDERS.paid"]) {
        expect([topic, (await subscribe(topic)).status]).toEqual([topic, 7]);
      }
      for (const topic of ["orders.made", "stock.*", "orders"]) {
        expect([topic, (await subscribe(topic)).status]).not.toEqual([topic, 7]);
      }
    });
  });

  it("is consumed as the rules say, and what why says is what happens", async () => {
    const consume = async (): Promise<number> =>
      (
        await grpcCall(server.addresses.proxy, "/events.Stream/Consume", {
          messages: [{ topic: "orders", group: "readers", auto_ack: true }],
          headers: { authorization: `Bearer ${readerToken}`, "grpc-timeout": "200m" },
        })
      ).status;
    const explain = async (): Promise<unknown> => {
      const resource = { type: "stream", name: "orders", endpoint: "consume" };
      return admin.get("auth", "Auth.Explain", { account_id: "ann", resource, options: shop });
    };
    expect(await consume()).toBe(7);
    expect(await explain()).toMatchObject({ granted: false });
    await withRules(["grant reader stream:orders:consume"], async () => {
      expect(await consume()).not.toBe(7);
      expect(await explain()).toMatchObject({ granted: true, rule: { id: "rule-0" } });
    });
    expect(await consume()).toBe(7);
  });
});

describe("a stream that is open", () => {
  it("ends when a rule takes its right away", async () => {
    const client = createClient({
      address: server.addresses.network,
      token: readerToken,
      namespace: "shop",
      variables: {},
    });
    const streams = [
      ["broker", "Broker.Subscribe", { topic: "news" }],
      ["broker", "Broker.SubscribeBatch", { topic: "news.*" }],
      ["events", "Stream.Consume", { topic: "orders", group: "g", auto_ack: true }],
      ["events", "Stream.ConsumeBatch", { consume: { topic: "orders", group: "h", auto_ack: true } }],
      ["config", "Config.Watch", { namespace: "shop", path: "mail" }],
    ] as const;
    const codes: string[] = [];
    const grants = ["grant reader stream:orders:consume", "grant reader config:mail:read"];
    await withRules(grants, async () => {
      const reading = streams.map(async ([target, endpoint, body]) => {
        try {
          for await (const each of client.stream(target, endpoint, body)) expect(each).toBeDefined();
          codes.push("ended");
        } catch (reason) {
          codes.push(MicroError.from(reason).code);
        }
      });
      await waitUntil("both subscribers", async () => {
        const stats = await chief.get("broker", "Broker.Stats", {});
        return (stats as { subscriptions: unknown[] }).subscriptions.length === 2;
      });
      await waitUntil("both consumers", async () => {
        const { groups } = (await chief.get("events", "Stream.ListGroups", {})) as { groups: { consumers: string }[] };
        return groups.filter(({ consumers }) => Number(consumers) === 1).length === 2;
      });
      expect(codes).toEqual([]);
      const rule = { id: "end", scope: "reader", resource: { type: "*", name: "*", endpoint: "*" }, access: 2 };
      await admin.get("auth", "Rules.Create", { rule: { ...rule, priority: 9 }, options: shop });
      await Promise.all(reading);
      await admin.get("auth", "Rules.Delete", { id: "end", options: shop });
    });
    expect(codes).toEqual(streams.map(() => "permission_denied"));
    await client.stop();
  });
});

describe("a stream whose token is revoked", () => {
  it("ends", async () => {
    const { access } = await createAccount(server, { id: "eve", ...shop });
    const client = createClient({ address: server.addresses.network, token: access, namespace: "shop", variables: {} });
    let code = "";
    const reading = (async () => {
      try {
        for await (const each of client.stream("broker", "Broker.Subscribe", { topic: "gossip" })) code = typeof each;
      } catch (reason) {
        code = MicroError.from(reason).code;
      }
    })();
    await waitUntil("the subscriber", async () =>
      (await chief.call("broker", "Broker.Stats", {})).text.includes('"gossip"'),
    );
    await admin.get("auth", "Accounts.Revoke", { id: "eve", options: shop });
    await reading;
    expect(code).toBe("unauthenticated");
    await client.stop();
  });
});

describe("data of the installation", () => {
  it("is out of reach for an administrator of another namespace, whatever he names and whatever rules say", async () => {
    const resource = { type: "*", name: "*", endpoint: "*" };
    const open = ["topic", "stream", "config", "store", "blob"].map((type) => ({
      id: `open-${type}`,
      scope: "+",
      resource: { ...resource, type },
      access: 1,
      priority: 9,
    }));
    for (const rule of open) await admin.get("auth", "Rules.Create", { rule });
    for (const caller of [chief, worker, reader]) {
      for (const namespace of ["micro", ""]) {
        for (const [service, endpoint, body] of readsOf(namespace)) {
          const answer = await caller.call(service, endpoint, body, { "micro-namespace": "micro" });
          expect([endpoint, answer.text.includes(marker) || answer.text.includes(toBase64(marker))]).toEqual([
            endpoint,
            false,
          ]);
        }
      }
      for (const [service, endpoint, body] of writesOf("micro", toBase64("from elsewhere"))) {
        await caller.call(service, endpoint, body, { "micro-namespace": "micro" });
      }
    }
    for (const { id } of open) await admin.get("auth", "Rules.Delete", { id });
    const { events } = (await admin.get("events", "Store.Read", { topic: "orders" })) as {
      events: { payload: string }[];
    };
    const payloads = events.map(({ payload }) => payload);
    expect(payloads).toContain(toBase64(marker));
    expect(payloads).not.toContain(toBase64("from elsewhere"));
    const options = { database: "micro", table: "orders" };
    expect(await admin.get("store", "Store.Read", { key: "a", options })).toMatchObject({
      records: [{ value: toBase64(marker) }],
    });
  });

  it("is no wider open to who names no namespace at all", async () => {
    const headers = { "micro-namespace": "" };
    for (const [service, endpoint, body] of readsOf("")) {
      const answer = await new Caller(server).call(service, endpoint, body, headers);
      expect([endpoint, answer.status]).toEqual([endpoint, 401]);
    }
  });
});

describe("a core service", () => {
  it("is closed by a rule like any other, also for administrators", async () => {
    const rule = { id: "no-store", resource: { type: "service", name: "store", endpoint: "Store.Write" }, access: 2 };
    await admin.get("auth", "Rules.Create", { rule: { ...rule, priority: 9 } });
    const write = writesOf("micro", toBase64(marker)).find(([service]) => service === "store") as Request;
    await waitUntil("the rule", async () => (await statusOf(admin, write)) === 403);
    await admin.get("auth", "Rules.Delete", { id: "no-store" });
    await waitUntil("no rule", async () => (await statusOf(admin, write)) === 200);
  });
});
