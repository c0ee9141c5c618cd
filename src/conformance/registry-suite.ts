import { describe, expect, it } from "bun:test";
import { limits } from "#base/limits.ts";
import type { Registry, RegistryEvent, ServiceEntry } from "#interface/registry.ts";

/** A registry to put to the test, empty at the start. */
export interface RegistrySubject extends AsyncDisposable {
  /** Acts as an administrator of namespace `micro`. */
  readonly registry: Registry;
  /** Nodes with this lifetime must be able to end while a test waits: seconds on the wire, so not below one there. */
  readonly shortTtlMs: number;
}

/** A version of a service as the suite registers it; `nodes` are ids. */
export function sampleEntry(
  name: string,
  version: string,
  nodes: readonly string[],
  endpoint = "Say.Hello",
): ServiceEntry {
  return {
    name,
    version,
    metadata: { owner: "suite" },
    endpoints: [
      {
        name: endpoint,
        request: { name: "Request", type: "Request", values: [{ name: "name", type: "string", values: [] }] },
        response: { name: "Response", type: "Response", values: [{ name: "msg", type: "string", values: [] }] },
        metadata: { stream: "true" },
      },
    ],
    nodes: nodes.map((id, index) => ({
      id,
      address: `127.0.0.1:${9000 + index}`,
      metadata: { http: `127.0.0.1:${index}` },
    })),
  };
}

/**
 * What every registry promises, whichever driver keeps it and whether it is reached in process or over RPC.
 *
 * Answers may carry more metadata than was registered, never less.
 */
export function describeRegistry(subject: string, setup: () => Promise<RegistrySubject>): void {
  describe(`${subject}: Registry.register()`, () => {
    it("keeps the whole entry", async () => {
      await using given = await setup();
      const entry = sampleEntry("greeter", "1.0.0", ["greeter-1"]);
      await given.registry.register(entry, { domain: "micro" });
      expect(await given.registry.getService("greeter", { domain: "micro" })).toMatchObject([entry]);
    });

    it("adds the nodes of further calls to the version", async () => {
      await using given = await setup();
      await given.registry.register(sampleEntry("greeter", "1.0.0", ["a"]), { domain: "micro" });
      await given.registry.register(sampleEntry("greeter", "1.0.0", ["b"]), { domain: "micro" });
      expect(await nodeIds(given.registry, "greeter", "micro")).toEqual(["a", "b"]);
    });

    it("brings endpoints, metadata and addresses of a known node up to date", async () => {
      await using given = await setup();
      const before = sampleEntry("greeter", "1.0.0", ["a"]);
      const after = {
        ...sampleEntry("greeter", "1.0.0", [], "Say.Bye"),
        metadata: { owner: "somebody else" },
        nodes: [{ id: "a", address: "127.0.0.1:4711", metadata: { http: "127.0.0.1:4712" } }],
      };
      await given.registry.register(before, { domain: "micro" });
      await given.registry.register(after, { domain: "micro" });
      expect(await given.registry.getService("greeter", { domain: "micro" })).toMatchObject([after]);
    });

    it("goes back to what the remaining node said when the newer one leaves", async () => {
      await using given = await setup();
      const older = sampleEntry("greeter", "latest", ["old"], "Say.Old");
      const newer = sampleEntry("greeter", "latest", ["new"], "Say.New");
      await given.registry.register(older, { domain: "micro" });
      await given.registry.register(newer, { domain: "micro" });
      await given.registry.register(older, { domain: "micro" });
      expect(await endpointNames(given.registry, "greeter")).toEqual(["Say.New"]);
      await given.registry.deregister(newer, { domain: "micro" });
      expect(await endpointNames(given.registry, "greeter")).toEqual(["Say.Old"]);
    });

    for (const [what, entry, domain] of [
      ["a service without a name", sampleEntry("", "1", ["a"]), "micro"],
      ["a name that is a path", sampleEntry("../etc", "1", ["a"]), "micro"],
      ["a version that is none", sampleEntry("greeter", "..", ["a"]), "micro"],
      ["a domain that is none", sampleEntry("greeter", "1", ["a"]), "A B"],
      ["an entry without nodes", sampleEntry("greeter", "1", []), "micro"],
      ["a node without id", sampleEntry("greeter", "1", [""]), "micro"],
    ] as const) {
      it(`refuses ${what}`, async () => {
        await using given = await setup();
        const refusal = await given.registry.register(entry, { domain }).catch((reason: unknown) => reason);
        expect(refusal).toMatchObject({ code: "invalid_argument" });
        expect(await given.registry.listServices({ domain: "micro" })).toEqual([]);
      });
    }
  });

  describe(`${subject}: Registry.deregister()`, () => {
    it("removes the named nodes and keeps the others", async () => {
      await using given = await setup();
      await given.registry.register(sampleEntry("greeter", "1.0.0", ["a", "b"]), { domain: "micro" });
      await given.registry.deregister(sampleEntry("greeter", "1.0.0", ["a"]), { domain: "micro" });
      expect(await nodeIds(given.registry, "greeter", "micro")).toEqual(["b"]);
    });

    it("forgets the version with its last node", async () => {
      await using given = await setup();
      const entry = sampleEntry("greeter", "1.0.0", ["a"]);
      await given.registry.register(entry, { domain: "micro" });
      await given.registry.deregister(entry, { domain: "micro" });
      expect(await given.registry.getService("greeter", { domain: "micro" })).toEqual([]);
    });

    it("takes no offence at what it does not know", async () => {
      await using given = await setup();
      await given.registry.deregister(sampleEntry("nobody", "1.0.0", ["a"]), { domain: "micro" });
      expect(await given.registry.listServices({ domain: "micro" })).toEqual([]);
    });
  });

  describe(`${subject}: Registry.listServices()`, () => {
    it("lists one entry a version, by name, then version", async () => {
      await using given = await setup();
      for (const [name, version] of [
        ["b", "2"],
        ["b", "1"],
        ["a", "1"],
      ] as const) {
        await given.registry.register(sampleEntry(name, version, [`${name}-${version}`]), { domain: "micro" });
      }
      const found = await given.registry.listServices({ domain: "micro" });
      expect(found.map((each) => `${each.name} ${each.version}`)).toEqual(["a 1", "b 1", "b 2"]);
    });

    it("keeps domains apart", async () => {
      await using given = await setup();
      await given.registry.register(sampleEntry("greeter", "1", ["a"]), { domain: "micro" });
      await given.registry.register(sampleEntry("greeter", "1", ["b"]), { domain: "other" });
      expect(await nodeIds(given.registry, "greeter", "micro")).toEqual(["a"]);
      expect(await nodeIds(given.registry, "greeter", "other")).toEqual(["b"]);
      expect(await given.registry.listServices({ domain: "third" })).toEqual([]);
    });
  });

  describe(`${subject}: Registry.watch()`, () => {
    it("starts with what is there", async () => {
      await using given = await setup();
      await given.registry.register(sampleEntry("greeter", "1", ["a"]), { domain: "micro" });
      await using watch = open(given.registry, { domain: "micro" });
      expect(await watch.next()).toMatchObject({
        action: "snapshot",
        services: [{ domain: "micro", service: { name: "greeter", nodes: [{ id: "a" }] } }],
      });
    });

    it("tells of a new version, a new node, changed content, a lost node and the end", async () => {
      await using given = await setup();
      await using watch = open(given.registry, { domain: "micro" });
      await watch.next();
      const { registry } = given;
      await registry.register(sampleEntry("greeter", "1", ["a"]), { domain: "micro" });
      expect(await watch.next()).toMatchObject({
        action: "create",
        domain: "micro",
        service: { nodes: [{ id: "a" }] },
      });
      await registry.register(sampleEntry("greeter", "1", ["b"]), { domain: "micro" });
      expect(await watch.next()).toMatchObject({ action: "update", service: { nodes: [{ id: "a" }, { id: "b" }] } });
      await registry.register(sampleEntry("greeter", "1", ["a"], "Say.Bye"), { domain: "micro" });
      expect(await watch.next()).toMatchObject({ action: "update", service: { endpoints: [{ name: "Say.Bye" }] } });
      await registry.deregister(sampleEntry("greeter", "1", ["a"]), { domain: "micro" });
      expect(await watch.next()).toMatchObject({ action: "update", service: { nodes: [{ id: "b" }] } });
      await registry.deregister(sampleEntry("greeter", "1", ["b"]), { domain: "micro" });
      expect(await watch.next()).toMatchObject({
        action: "delete",
        service: { name: "greeter", nodes: [{ id: "b" }] },
      });
    });

    it("says nothing about a heartbeat that changes nothing", async () => {
      await using given = await setup();
      await given.registry.register(sampleEntry("greeter", "1", ["a"]), { domain: "micro" });
      await using watch = open(given.registry, { domain: "micro" });
      await watch.next();
      await given.registry.register(sampleEntry("greeter", "1", ["a"]), { domain: "micro" });
      await given.registry.register(sampleEntry("second", "1", ["b"]), { domain: "micro" });
      expect(await watch.next()).toMatchObject({ action: "create", service: { name: "second" } });
    });

    it("tells only of the domain and the service that were asked for", async () => {
      await using given = await setup();
      await using watch = open(given.registry, { domain: "micro", service: "greeter" });
      await watch.next();
      await given.registry.register(sampleEntry("greeter", "1", ["a"]), { domain: "other" });
      await given.registry.register(sampleEntry("second", "1", ["b"]), { domain: "micro" });
      await given.registry.register(sampleEntry("greeter", "1", ["c"]), { domain: "micro" });
      expect(await watch.next()).toMatchObject({
        action: "create",
        domain: "micro",
        service: { nodes: [{ id: "c" }] },
      });
    });

    it("tells of every domain when none was asked for", async () => {
      await using given = await setup();
      await using watch = open(given.registry, {});
      await watch.next();
      await given.registry.register(sampleEntry("greeter", "1", ["a"]), { domain: "other" });
      expect(await watch.next()).toMatchObject({ action: "create", domain: "other" });
    });

    it("gives a reader that fell behind the present instead of the past", async () => {
      await using given = await setup();
      await using watch = open(given.registry, { domain: "micro" });
      await watch.next();
      const count = limits.watchQueueCountMax + 50;
      for (let index = 0; index < count; index += 1) {
        await given.registry.register(sampleEntry(`s${index}`, "1", [`n${index}`]), { domain: "micro" });
      }
      expect(await readUntil(watch, count)).toEqual(Array.from({ length: count }, (_, index) => `s${index}`).sort());
    });

    it("tells when a node was not heard of for its lifetime", async () => {
      await using given = await setup();
      await given.registry.register(sampleEntry("stays", "1", ["s"]), { domain: "micro", ttlMs: 0 });
      await using watch = open(given.registry, { domain: "micro" });
      await watch.next();
      await given.registry.register(sampleEntry("leaves", "1", ["l"]), { domain: "micro", ttlMs: given.shortTtlMs });
      expect(await watch.next()).toMatchObject({ action: "create" });
      expect(await watch.next()).toMatchObject({ action: "delete", service: { name: "leaves", nodes: [{ id: "l" }] } });
      expect(await nodeIds(given.registry, "leaves", "micro")).toEqual([]);
      expect(await nodeIds(given.registry, "stays", "micro")).toEqual(["s"]);
    });

    it("ends when the signal aborts", async () => {
      await using given = await setup();
      const leave = new AbortController();
      const seen: string[] = [];
      const reading = (async () => {
        for await (const event of given.registry.watch({ signal: leave.signal })) {
          seen.push(event.action);
          leave.abort();
        }
      })();
      await reading;
      expect(seen).toEqual(["snapshot"]);
    });
  });
}

interface OpenWatch extends AsyncDisposable {
  next(): Promise<RegistryEvent>;
}

function open(registry: Registry, options: { readonly domain?: string; readonly service?: string }): OpenWatch {
  const iterator = registry.watch(options)[Symbol.asyncIterator]();
  return {
    next: async () => {
      const result = await iterator.next();
      if (result.done === true) throw new Error("the watch ended");
      return result.value;
    },
    [Symbol.asyncDispose]: async () => {
      await iterator.return?.();
    },
  };
}

/** Follows events as a reader that keeps a table would, until it holds `count` services; their names in order. */
async function readUntil(watch: OpenWatch, count: number): Promise<string[]> {
  const known = new Set<string>();
  while (known.size < count) {
    const event = await watch.next();
    if (event.action === "delete") known.delete(event.service.name);
    else if (event.action !== "snapshot") known.add(event.service.name);
    else {
      known.clear();
      for (const { service } of event.services) known.add(service.name);
    }
  }
  return [...known].sort();
}

async function nodeIds(registry: Registry, service: string, domain: string): Promise<string[]> {
  const entries = await registry.getService(service, { domain });
  return entries.flatMap((entry) => entry.nodes.map((node) => node.id));
}

async function endpointNames(registry: Registry, service: string): Promise<string[]> {
  const entries = await registry.getService(service, { domain: "micro" });
  return entries.flatMap((entry) => entry.endpoints.map((endpoint) => endpoint.name));
}
