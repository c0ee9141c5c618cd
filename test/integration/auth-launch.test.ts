import { describe, expect, it } from "bun:test";
import { limits } from "#base/limits.ts";
import { expectError } from "#conformance/expect-error.ts";
import { openForGroup } from "./open-auth.ts";

const hourMs = 3_600_000;

describe("launch identities", () => {
  const opened = openForGroup();
  const launch = { namespace: "shop", service: "greeter", version: "latest" };
  const exchange = (id: string, secret: string, inNamespace = "shop") =>
    opened().desk.withSecret({ namespace: inNamespace, id, secret, address: "", lifetimeMs: hourMs });

  it("give every instance a credential that buys tokens in its name", async () => {
    const { auth, accounts } = opened();
    const one = await auth.identities.issue({ ...launch, instance: "one" });
    const two = await auth.identities.issue({ ...launch, instance: "two" });
    expect([one.id, two.id]).toEqual(["greeter-latest", "greeter-latest"]);
    expect(await accounts.list("shop")).toHaveLength(1);
    const pair = await exchange(one.id, one.secret);
    const account = await auth.verifier.verify(pair.accessToken);
    expect(account).toMatchObject({ id: "greeter-latest", type: "service", namespace: "shop", scopes: ["service"] });
    expect(account?.metadata["instance"]).toBe("one");
    expect((pair.expiry - pair.created) * 1_000).toBe(limits.serviceTokenMs);
    const renewed = await opened().renew(pair.refreshToken, "shop");
    expect((await auth.verifier.verify(renewed.accessToken))?.metadata["instance"]).toBe("one");
  });

  it("are no access tokens and hold for their own account alone", async () => {
    const { auth, accounts, renew } = opened();
    const { id, secret } = await auth.identities.issue({ ...launch, instance: "one" });
    await auth.identities.issue({ ...launch, namespace: "other", instance: "one" });
    await auth.identities.issue({ ...launch, service: "second", instance: "one" });
    await accounts.create({ namespace: "shop", id: "jane", secret: "secret" });
    expect(await auth.verifier.verify(secret)).toBeUndefined();
    await expectError(renew(secret, "shop"), "invalid_argument");
    await expectError(exchange(id, secret, "other"), "invalid_argument");
    await expectError(exchange("second-latest", secret), "invalid_argument");
    await expectError(exchange("jane", secret), "invalid_argument");
  });

  it("end with their service and do not come back with it", async () => {
    const { auth } = opened();
    const gone = { ...launch, service: "gone" };
    const { id, secret } = await auth.identities.issue({ ...gone, instance: "one" });
    const { accessToken, refreshToken } = await exchange(id, secret);
    await auth.identities.revoke(gone);
    await auth.identities.revoke(gone);
    await expectError(exchange(id, secret), "invalid_argument");
    expect(await auth.verifier.verify(accessToken)).toBeUndefined();
    const again = await auth.identities.issue({ ...gone, instance: "two" });
    await expectError(exchange(id, secret), "invalid_argument");
    await expectError(opened().renew(refreshToken, "shop"), "invalid_argument");
    await exchange(again.id, again.secret);
  });

  it("expire after a year", async () => {
    const { auth, clock } = opened();
    const { id, secret } = await auth.identities.issue({ ...launch, instance: "one" });
    clock.nowMs += limits.launchCredentialMs;
    await expectError(exchange(id, secret), "invalid_argument");
  });

  it("never share an account with another service or a person", async () => {
    const { auth, accounts } = opened();
    const first = await auth.identities.issue({ namespace: "mix", service: "a-b", version: "c", instance: "1" });
    const second = await auth.identities.issue({ namespace: "mix", service: "a", version: "b-c", instance: "1" });
    expect(second.id).not.toBe(first.id);
    await accounts.create({ namespace: "mix", id: "web-v1", secret: "secret" });
    const web = await auth.identities.issue({ namespace: "mix", service: "web", version: "v1", instance: "1" });
    expect(web.id).not.toBe("web-v1");
    await auth.identities.revoke({ namespace: "mix", service: "web", version: "v1" });
    expect(await accounts.find("mix", "web-v1")).toBeDefined();
    const path = await auth.identities.issue({ namespace: "mix", service: "web", version: "feature/x", instance: "1" });
    expect(path.id).toBe("web-feature-x");
  });

  it("are made once for instances that start together", async () => {
    const { auth } = opened();
    const crowd = { namespace: "crowd", service: "web", version: "v1" };
    const issued = await Promise.all(
      ["1", "2", "3", "4"].map((instance) => auth.identities.issue({ ...crowd, instance })),
    );
    expect(new Set(issued.map(({ id }) => id)).size).toBe(1);
    for (const { id, secret } of issued) await exchange(id, secret, "crowd");
  });
});
