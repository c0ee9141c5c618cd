import { describe, expect, it } from "bun:test";
import { createDeliveredHeader, createHeaderSource } from "./delivered-header.ts";

const token = "eyJhbGciOi.payload.signature";

function deliver(own: Record<string, string>, metadata: Record<string, string>): Readonly<Record<string, string>> {
  return createDeliveredHeader(own, createHeaderSource(metadata, "micro"));
}

describe("createDeliveredHeader()", () => {
  it("adds what the caller says about his request, and keeps what the message says", () => {
    const own = { "Content-Type": "application/json", "Micro-Topic": "t", "x-request-ID": "mine" };
    const metadata = { "x-request-id": "theirs", traceparent: "00-1", "micro-namespace": "other" };
    expect(deliver(own, metadata)).toEqual({ ...own, Traceparent: "00-1", "Micro-Namespace": "micro" });
  });

  it("adds nothing of the way that the request came", () => {
    const metadata = {
      ":authority": "host",
      "content-type": "application/grpc",
      "content-length": "3",
      "grpc-timeout": "1S",
      "micro-service": "x",
      "sec-fetch-mode": "cors",
      "user-agent": "go",
      "x-forwarded-for": "10.0.0.1",
      host: "h",
      remote: "10.0.0.1:1",
      timeout: "1",
    };
    expect(deliver({}, metadata)).toEqual({});
  });

  it("gives nobody the publisher's token, however it is written", () => {
    const basic = Buffer.from(`me:${token}`).toString("base64");
    for (const authorization of [`Bearer ${token}`, `bearer  ${token}`, `Basic ${basic}`]) {
      const metadata = {
        authorization,
        cookie: `micro-token=${token}`,
        "set-cookie": token,
        "proxy-authorization": token,
        "x-api-key": "k",
        "x-copy": `a ${token} b`,
        "x-micro-token": "t",
      };
      const own = {
        Authorization: "other",
        AUTHORIZATION: authorization,
        "authori zation": authorization,
        Authori_zation: authorization,
        " authorization ": "x",
        "Proxy-Authorization": "x",
        "X-Copy": token,
        kept: "value",
      };
      expect(deliver(own, metadata)).toEqual({ kept: "value" });
    }
  });

  it("takes __proto__ for a key like any other", () => {
    const header = deliver(Object.fromEntries([["__proto__", "x"]]), {});
    expect(Object.keys(header)).toEqual(["__proto__"]);
    expect(Object.getPrototypeOf(header)).toBe(Object.prototype);
  });
});
