import { describe, expect, it } from "bun:test";
import { MicroError } from "#base/error.ts";
import { silentLogger } from "#base/logger.ts";
import { enterRegistry } from "./enter-registry.ts";
import { noServerDetail, type Environment } from "./environment.ts";
import { Registration } from "./registration.ts";

const environment: Environment = {
  network: () => "127.0.0.1:8443",
  isLocalServer: false,
  namespace: "micro",
  address: undefined,
  version: undefined,
  logLevel: "info",
  credentials: () => ({ id: "greeter", secret: "secret" }),
  publicKey: () => undefined,
};

/** A registration whose calls fail with these, one after the other, and then succeed. */
function createRegistration(failures: MicroError[]): Registration {
  const registry = {
    call: async () => {
      const failure = failures.shift();
      if (failure !== undefined) throw failure;
      return {};
    },
    stream: async function* () {},
  };
  const entry = { name: "greeter", version: "v1", metadata: {}, endpoints: [], nodes: [] };
  return new Registration({ registry, logger: silentLogger }, { entry, domain: "micro" });
}

function refusal(failure: MicroError, changes: Partial<Environment> = {}): Promise<unknown> {
  const entering = enterRegistry(createRegistration([failure]), { ...environment, ...changes }, silentLogger);
  return entering.catch((reason: unknown) => reason);
}

const unreachable = (): MicroError => new MicroError("unavailable", "connection refused", { neverSent: true });

describe("enterRegistry()", () => {
  it("waits for a network that was named and is not there yet", async () => {
    const registration = createRegistration([unreachable(), unreachable()]);
    await enterRegistry(registration, environment, silentLogger);
    await registration.stop();
  });

  it("asks a server again that was too busy to answer, also that of this machine", async () => {
    const registration = createRegistration([new MicroError("timeout", "context deadline exceeded")]);
    await enterRegistry(registration, { ...environment, isLocalServer: true }, silentLogger);
    await registration.stop();
  });

  it("says at once that there is no server on this machine", async () => {
    expect(await refusal(unreachable(), { isLocalServer: true })).toMatchObject({ detail: noServerDetail });
  });

  it("says which settings are missing when the server wants an account", async () => {
    const refused = new MicroError("unauthenticated", "an account is required");
    expect(await refusal(refused, { credentials: () => undefined })).toMatchObject({
      code: "unauthenticated",
      detail: "the server at 127.0.0.1:8443 wants an account: set MICRO_CLIENT_ID and MICRO_CLIENT_SECRET",
    });
  });

  it("passes on what else the registry says", async () => {
    const refused = new MicroError("permission_denied", "access denied to namespace", { at: "registry" });
    expect(await refusal(refused)).toMatchObject({
      code: "permission_denied",
      id: "registry",
      detail: "could not register: access denied to namespace",
    });
  });
});
