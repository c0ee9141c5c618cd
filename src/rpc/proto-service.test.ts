import { describe, expect, it } from "bun:test";
import { Accounts, Auth } from "#gen/auth/auth_pb.ts";
import { Registry } from "#gen/registry/registry_pb.ts";
import { BlobStore } from "#gen/store/store_pb.ts";
import { protoMethod, protoMethods, type ProtoHandlers } from "./proto-service.ts";
import type { ServerCall } from "./server-call.ts";

const call: ServerCall = {
  path: "/auth.Accounts/List",
  service: "auth",
  endpoint: "Accounts.List",
  encoding: "json",
  metadata: {},
  signal: new AbortController().signal,
  deadlineMs: undefined,
  peer: "",
  account: undefined,
  namespace: "micro",
};

class AccountBook implements ProtoHandlers<typeof Accounts> {
  readonly #ids = ["admin"];

  list(): { accounts: { id: string }[] } {
    return { accounts: this.#ids.map((id) => ({ id })) };
  }
}

describe("protoMethods()", () => {
  it("makes a method of every handler, called after the .proto, and leaves out the others", () => {
    const methods = protoMethods(Accounts, { list: () => ({}), changeSecret: () => ({}) });
    expect(methods.map((each) => each.spec.endpoint)).toEqual(["Accounts.List", "Accounts.ChangeSecret"]);
  });

  it("keeps the kind of each method", () => {
    const methods = protoMethods(BlobStore, {
      read: async function* ({ key }) {
        yield { blob: new TextEncoder().encode(key) };
      },
      write: async (requests) => {
        for await (const request of requests) void request.blob;
        return {};
      },
      delete: () => ({}),
    });
    expect(methods.map((each) => [each.kind, each.spec.kind])).toEqual([
      ["server_stream", "server_stream"],
      ["client_stream", "client_stream"],
      ["unary", "unary"],
    ]);
  });

  it("calls a handler that is a method of a class with its object, and writes the plain object that it gives", async () => {
    const [list] = protoMethods(Accounts, new AccountBook());
    if (list?.kind !== "unary") throw new Error("Accounts.List is unary");
    const answer = await list.handle(list.spec.input.fromJson({}), call);
    expect(list.spec.output.toJson(answer)).toMatchObject({ accounts: [{ id: "admin", issuer: "", scopes: [] }] });
  });

  it("does not compile with a handler that does not fit", () => {
    protoMethods(Auth, {
      // @ts-expect-error The token of the answer is a message, not a text.
      token: () => ({ token: "abc" }),
      // @ts-expect-error A unary method does not answer with a stream.
      inspect: async function* () {
        yield {};
      },
      // @ts-expect-error The request has no such field.
      generate: (request) => ({ account: { id: request.ident } }),
    });
    // @ts-expect-error The service has no such method.
    protoMethods(Auth, { login: () => ({}) });
    const right = protoMethods(Auth, {
      token: async ({ id, tokenExpiry }) => ({ token: { accessToken: id, expiry: tokenExpiry } }),
    });
    expect(right).toHaveLength(1);
  });
});

describe("protoMethod()", () => {
  it("lets a client send a plain object and gives it a whole message", () => {
    const getService = protoMethod(Registry.method.getService);
    expect(getService.endpoint).toBe("Registry.GetService");
    expect(getService.kind).toBe("unary");
    const bytes = getService.input.binary?.encode({ service: "a", options: { domain: "b" } });
    expect(bytes).toEqual(new Uint8Array([10, 1, 97, 18, 3, 18, 1, 98]));
    const { services } = getService.output.fromJson({ services: [{ name: "a" }] });
    expect(services[0]?.nodes).toEqual([]);
  });
});
