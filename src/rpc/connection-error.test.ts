import { describe, expect, it } from "bun:test";
import { MicroError } from "#base/error.ts";
import { describeForPeer, fromConnectionFailure, nameService } from "./connection-error.ts";
import { toErrorJson } from "./error-wire.ts";

const refused = fromConnectionFailure("unix:/home/jane/.micro/run/1.sock", { code: "ECONNREFUSED" });

describe("fromConnectionFailure()", () => {
  it("says where and what, and whether the call can have arrived", () => {
    expect(refused).toMatchObject({ code: "unavailable", neverSent: true });
    expect(refused.detail).toBe("unix:/home/jane/.micro/run/1.sock: connection refused");
    expect(fromConnectionFailure("a:1", { code: "ECONNRESET" }).neverSent).toBe(false);
    expect(fromConnectionFailure("a:1", new Error("odd")).detail).toBe("a:1: the connection failed");
  });
});

describe("describeForPeer()", () => {
  it("leaves out where the service listens, also when its name is in front", () => {
    const text = "the service did not answer: connection refused";
    expect(describeForPeer(refused)).toBe(text);
    const sent = JSON.parse(
      new TextDecoder().decode(toErrorJson(nameService(refused, "greeter"), "gateway")),
    ) as unknown;
    expect(sent).toEqual({ id: "greeter", code: 503, detail: text, status: "Service Unavailable" });
  });

  it("leaves what a service says of itself as it is", () => {
    expect(describeForPeer(new MicroError("unavailable", "the database is down", { cause: { code: "EPIPE" } }))).toBe(
      undefined,
    );
  });
});
