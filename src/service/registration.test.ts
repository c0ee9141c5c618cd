import { afterEach, describe, expect, it } from "bun:test";
import { MicroError } from "#base/error.ts";
import { silentLogger } from "#base/logger.ts";
import { waitUntil } from "#testing/wait-until.ts";
import { Registration, type RegistryCalls } from "./registration.ts";

const entry = {
  name: "greeter",
  version: "v1",
  metadata: { team: "a" },
  endpoints: [
    {
      name: "Say.Hello",
      request: { name: "Request", type: "Request", values: [{ name: "name", type: "string", values: [] }] },
      response: { name: "Response", type: "Response", values: [] },
      metadata: { kind: "unary" },
    },
  ],
  nodes: [{ id: "greeter-1", address: "127.0.0.1:1", metadata: { http: "127.0.0.1:1" } }],
};

/** A registry that can be away, and whose watches end when it goes. */
class TestRegistry implements RegistryCalls {
  readonly calls: string[] = [];
  readonly bodies: unknown[] = [];
  isUp = true;
  watchCount = 0;
  /** False: watches are refused at once. */
  takesWatches = true;
  #leave = Promise.withResolvers<void>();

  readonly call: RegistryCalls["call"] = async (endpoint, body) => {
    this.calls.push(endpoint);
    this.bodies.push(body);
    if (!this.isUp) throw new MicroError("unavailable", "down", { neverSent: true });
    return {};
  };

  async *#watch(signal: AbortSignal): AsyncGenerator<unknown> {
    this.watchCount += 1;
    if (!this.takesWatches) throw new MicroError("permission_denied", "no watches");
    yield { action: "snapshot" };
    const left = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    await Promise.race([this.#leave.promise, left]);
  }

  readonly stream: RegistryCalls["stream"] = (_endpoint, _body, signal) => this.#watch(signal);

  count(endpoint: string): number {
    return this.calls.filter((each) => each === endpoint).length;
  }

  goAway(): void {
    this.isUp = false;
    this.#leave.resolve();
    this.#leave = Promise.withResolvers();
  }
}

describe("Registration", () => {
  let registration: Registration | undefined;

  afterEach(() => registration?.stop());

  function create(registry: TestRegistry, heartbeatMs?: number): Registration {
    registration = new Registration(
      { registry, logger: silentLogger },
      { entry, domain: "shop", ...(heartbeatMs === undefined ? {} : { heartbeatMs }) },
    );
    return registration;
  }

  it("registers with endpoints, nodes and TTL before start() ends", async () => {
    const registry = new TestRegistry();
    await create(registry).start();
    expect(registry.calls).toEqual(["Registry.Register"]);
    expect(registry.bodies[0]).toEqual({ ...entry, options: { ttl: "90", domain: "shop" } });
  });

  it("fails to start, and leaves nothing running, when the registry refuses", async () => {
    const registry = new TestRegistry();
    registry.isUp = false;
    expect(
      await create(registry)
        .start()
        .catch((reason: unknown) => reason),
    ).toMatchObject({ code: "unavailable" });
    await registration?.stop();
    expect(registry.calls).toEqual(["Registry.Register"]);
  });

  it("registers again at every beat", async () => {
    const registry = new TestRegistry();
    await create(registry, 5).start();
    await waitUntil("three more beats", () => registry.count("Registry.Register") >= 4);
  });

  it("tries again soon when the registry goes away, until it is back, without waiting for a beat", async () => {
    const registry = new TestRegistry();
    await create(registry).start();
    await waitUntil("the watch", () => registry.watchCount === 1);
    registry.goAway();
    await waitUntil("attempts", () => registry.count("Registry.Register") >= 3);
    registry.isUp = true;
    const before = registry.count("Registry.Register");
    await waitUntil("it is back", () => registry.count("Registry.Register") > before);
  });

  it("does not hurry when the registry wants no watch", async () => {
    const registry = new TestRegistry();
    registry.takesWatches = false;
    await create(registry).start();
    await waitUntil("the first watch fails", () => registry.count("Registry.Register") === 2);
    await registration?.stop();
    expect(registry.watchCount).toBe(1);
    expect(registry.calls).toEqual(["Registry.Register", "Registry.Register", "Registry.Deregister"]);
  });

  it("leaves the registry once, however often it is stopped", async () => {
    const registry = new TestRegistry();
    await create(registry).start();
    await Promise.all([registration?.stop(), registration?.stop()]);
    expect(registry.count("Registry.Deregister")).toBe(1);
  });

  it("stops although the registry is away", async () => {
    const registry = new TestRegistry();
    await create(registry).start();
    await waitUntil("the watch", () => registry.watchCount === 1);
    registry.goAway();
    await registration?.stop();
    expect(registry.count("Registry.Deregister")).toBe(1);
  });
});
