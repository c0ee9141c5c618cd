import { describe, expect, it } from "bun:test";
import type { Value } from "#interface/registry.ts";
import { findUploadField, toUpload } from "./upload.ts";

const field = (name: string, type: string): Value => ({ name, type, values: [] });
const method = {
  kind: "any",
  unary: () => Promise.reject(new Error("not asked")),
  stream: async function* () {},
} as const;

describe("findUploadField()", () => {
  const target = (kind: "client_stream" | "bidi_stream" | "unary", fields: readonly Value[]) => ({
    method,
    kind,
    requestType: { name: "", type: "R", values: fields },
  });
  const blob = [field("key", "string"), field("blob", "[]uint8")];

  it("finds the one field of bytes of an endpoint that takes a stream", () => {
    expect(findUploadField(target("client_stream", blob), "POST")).toBe("blob");
    expect(findUploadField(target("client_stream", blob), "PUT")).toBe("blob");
  });

  it("finds none for other methods, other kinds, and where there are two or none", () => {
    expect(findUploadField(target("client_stream", blob), "GET")).toBeUndefined();
    expect(findUploadField(target("bidi_stream", blob), "POST")).toBeUndefined();
    expect(findUploadField(target("unary", blob), "POST")).toBeUndefined();
    expect(findUploadField(target("client_stream", [...blob, field("more", "[]uint8")]), "POST")).toBeUndefined();
    expect(findUploadField(target("client_stream", []), "POST")).toBeUndefined();
    expect(findUploadField({ method, kind: "client_stream", requestType: undefined }, "POST")).toBeUndefined();
  });
});

describe("toUpload()", () => {
  it("gives up when nothing comes any more, and does not wait for the sender to go", async () => {
    const body = (async function* () {
      yield new Uint8Array([1, 2, 3]);
      await new Promise(() => undefined);
    })();
    const source = { header: () => undefined, compression: undefined, body };
    const messages = toUpload({ source, query: "key=a", type: undefined, field: "blob", idleMs: 20 });
    const first = await messages.next();
    expect(JSON.parse(new TextDecoder().decode(first.value ?? undefined))).toEqual({ key: "a", blob: "AQID" });
    expect(messages.next()).rejects.toMatchObject({ code: "timeout", message: "nothing of the body came for 0.02 s" });
  });
});
