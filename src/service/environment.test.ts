import { describe, expect, it } from "bun:test";
import { mkdir, writeFile } from "node:fs/promises";
import { MicroError } from "#base/error.ts";
import { resolveHome } from "#base/home.ts";
import { createTempFolder } from "#testing/temp-folder.ts";
import { resolveEnvironment } from "./environment.ts";

/** A home as a server of this machine leaves it. */
async function createHome(network: string): Promise<{ path: string } & AsyncDisposable> {
  const folder = await createTempFolder();
  const paths = resolveHome({ MICRO_HOME: folder.path });
  const addresses = { gateway: "127.0.0.1:1", proxy: "127.0.0.1:2", network, publicKey: "local key" };
  await mkdir(folder.path, { recursive: true });
  await writeFile(paths.serverFile, JSON.stringify({ pid: 1, version: "1", startedAtMs: 0, ...addresses }));
  await writeFile(paths.serviceCredentialsFile, JSON.stringify({ id: "local", secret: "local secret" }));
  return folder;
}

describe("resolveEnvironment()", () => {
  it("takes what the runtime sets", () => {
    const environment = resolveEnvironment({
      MICRO_HOME: "/nowhere",
      MICRO_SERVICE_NETWORK: "127.0.0.1:8443",
      MICRO_NAMESPACE: "shop",
      MICRO_SERVICE_ADDRESS: "unix:/run/a.sock",
      MICRO_SERVICE_VERSION: "v2",
      MICRO_CLIENT_ID: "a",
      MICRO_CLIENT_SECRET: "b",
      MICRO_PUBLIC_KEY: "key",
      MICRO_LOG_LEVEL: "debug",
    });
    expect(environment).toMatchObject({
      isLocalServer: false,
      namespace: "shop",
      address: "unix:/run/a.sock",
      version: "v2",
      logLevel: "debug",
    });
    expect([environment.network(), environment.credentials(), environment.publicKey()]).toEqual([
      "127.0.0.1:8443",
      { id: "a", secret: "b" },
      "key",
    ]);
  });

  it("finds the server of this machine, with its credentials and its key", async () => {
    await using home = await createHome("127.0.0.1:7000");
    const environment = resolveEnvironment({ MICRO_HOME: home.path });
    expect(environment).toMatchObject({ isLocalServer: true, namespace: "micro" });
    expect([environment.network(), environment.credentials(), environment.publicKey()]).toEqual([
      "127.0.0.1:7000",
      { id: "local", secret: "local secret" },
      "local key",
    ]);
  });

  it("never gives the credentials of this machine to another network", async () => {
    await using home = await createHome("127.0.0.1:7000");
    const environment = resolveEnvironment({ MICRO_HOME: home.path, MICRO_SERVICE_NETWORK: "elsewhere:8443" });
    expect(environment.credentials()).toBeUndefined();
    expect(environment.publicKey()).toBeUndefined();
  });

  it("says what to do when there is no server", () => {
    expect(() => resolveEnvironment({ MICRO_HOME: "/nowhere" })).toThrow(
      'no micro server found: start one with "micro server", or set MICRO_SERVICE_NETWORK',
    );
  });

  it("reads broken files as if they were not there", async () => {
    await using home = await createHome("127.0.0.1:7000");
    const paths = resolveHome({ MICRO_HOME: home.path });
    await writeFile(paths.serviceCredentialsFile, "{");
    expect(resolveEnvironment({ MICRO_HOME: home.path }).credentials()).toBeUndefined();
    await writeFile(paths.serverFile, "not JSON");
    expect(() => resolveEnvironment({ MICRO_HOME: home.path })).toThrow("no micro server found");
  });

  it.each([
    ["MICRO_NAMESPACE", "../x"],
    ["MICRO_LOG_LEVEL", "loud"],
  ])("refuses a bad %s", (name, value) => {
    expect(() => resolveEnvironment({ MICRO_SERVICE_NETWORK: "127.0.0.1:1", [name]: value })).toThrow(MicroError);
  });
});
