import { describe, expect, it } from "bun:test";
import { MicroError } from "#base/error.ts";
import { createTokenSource, type TokenClock, type TokenSourceDeps } from "./token-source.ts";

/** Two clocks that the test moves, as a machine that sleeps or whose time is set would. */
class TestClock implements TokenClock {
  wallMs = 1_000_000;
  monotonicMs = 0;

  now(): number {
    return this.wallMs;
  }

  monotonicNow(): number {
    return this.monotonicMs;
  }

  pass(ms: number): void {
    this.wallMs += ms;
    this.monotonicMs += ms;
  }
}

function create(requestToken: TokenSourceDeps["requestToken"], clock = new TestClock()) {
  const credentials = { id: "greeter-latest", secret: "secret" };
  return {
    clock,
    source: createTokenSource({ credentials: () => credentials, requestToken, namespace: "micro", clock }),
  };
}

/** Answers with token-1, token-2 …, each an hour of the server's own time. */
function counting(): { requestToken: TokenSourceDeps["requestToken"]; readonly count: number } {
  let count = 0;
  return {
    requestToken: async () => {
      count += 1;
      return { token: { access_token: `token-${count}`, created: "5000000", expiry: "5003600" } };
    },
    get count() {
      return count;
    },
  };
}

describe("createTokenSource()", () => {
  it("asks once for many callers at the same time", async () => {
    const server = counting();
    const { source } = create(server.requestToken);
    expect(await Promise.all([source.token(), source.token(), source.token()])).toEqual([
      "token-1",
      "token-1",
      "token-1",
    ]);
    expect(server.count).toBe(1);
  });

  it("renews before the token ends, by its life and not by the server's clock", async () => {
    const { source, clock } = create(counting().requestToken);
    await source.token();
    clock.pass(47 * 60_000);
    expect(await source.token()).toBe("token-1");
    clock.pass(2 * 60_000);
    expect(await source.token()).toBe("token-2");
  });

  it("renews after the machine slept, when only the wall clock went on", async () => {
    const { source, clock } = create(counting().requestToken);
    await source.token();
    clock.wallMs += 3_600_000;
    expect(await source.token()).toBe("token-2");
  });

  it("renews after the time was set back", async () => {
    const { source, clock } = create(counting().requestToken);
    await source.token();
    clock.wallMs -= 3_600_000;
    expect(await source.token()).toBe("token-2");
  });

  it("goes on with a token that still holds while a new one cannot be had", async () => {
    let isDown = false;
    const server = counting();
    const { source, clock } = create(async (request) => {
      if (isDown) throw new MicroError("unavailable", "down");
      return server.requestToken(request);
    });
    await source.token();
    isDown = true;
    clock.pass(50 * 60_000);
    expect(await source.token()).toBe("token-1");
    clock.pass(11 * 60_000);
    expect(await source.token().catch((reason: unknown) => reason)).toMatchObject({ code: "unavailable" });
  });

  it("does not ask again before the back-off is over", async () => {
    let count = 0;
    const { source, clock } = create(async () => {
      count += 1;
      throw new MicroError("invalid_argument", "Secret not correct");
    });
    for (let attempt = 0; attempt < 5; attempt += 1) {
      expect(await source.token().catch((reason: unknown) => reason)).toMatchObject({ detail: "Secret not correct" });
    }
    expect(count).toBe(1);
    clock.pass(60_000);
    await source.token().catch(() => undefined);
    expect(count).toBe(2);
  });

  it("asks for a new one after a server refused it, once, however many calls say so", async () => {
    const { source, clock } = create(counting().requestToken);
    const token = (await source.token()) ?? "";
    clock.pass(60_000);
    source.refuse(token);
    source.refuse("another");
    expect(await source.token()).toBe("token-2");
    source.refuse(token);
    expect(await source.token()).toBe("token-2");
  });

  it("keeps a token that is refused as soon as it came, because another would be too", async () => {
    const { source } = create(counting().requestToken);
    source.refuse((await source.token()) ?? "");
    expect(await source.token()).toBe("token-1");
  });

  it("has no token without credentials", async () => {
    const source = createTokenSource({
      credentials: () => undefined,
      requestToken: () => Promise.reject(new Error("asked")),
      namespace: "micro",
    });
    expect(await source.token()).toBeUndefined();
  });

  it("refuses an answer without a token", async () => {
    const { source } = create(async () => ({}));
    expect(await source.token().catch((reason: unknown) => reason)).toMatchObject({ code: "bad_gateway" });
  });
});
