import { describe, expect, it } from "bun:test";
import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { documentBytes } from "./document-bytes.ts";
import { keyBytes, keyIdOf, openSecret, sealSecret, secretBytes, toSecretKey } from "./secret-box.ts";

const key = toSecretKey(randomBytes(keyBytes));
const place = { namespace: "micro", words: ["db", "password"] };

describe("sealSecret()", () => {
  it("seals what openSecret opens, and says how long it is", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const sealed = sealSecret(key, place, text);
        expect(openSecret(key, place, sealed)).toBe(text);
        expect(secretBytes(sealed)).toBe(Buffer.byteLength(text));
        expect(keyIdOf(sealed)).toBe(key.id);
      }),
    );
  });

  it("never gives the same twice", () => {
    expect(sealSecret(key, place, "x")).not.toBe(sealSecret(key, place, "x"));
  });
});

describe("openSecret()", () => {
  it("opens nothing with another key, in another namespace or at another path", () => {
    const sealed = sealSecret(key, place, "hunter2");
    expect(openSecret(toSecretKey(randomBytes(keyBytes)), place, sealed)).toBeUndefined();
    expect(openSecret(key, { ...place, namespace: "other" }, sealed)).toBeUndefined();
    expect(openSecret(key, { ...place, words: ["db", "user"] }, sealed)).toBeUndefined();
  });

  it("opens nothing that was changed or cut", () => {
    const sealed = sealSecret(key, place, "hunter2");
    const [, base64 = ""] = sealed.split(".");
    const bytes = Buffer.from(base64, "base64");
    for (let index = 0; index < bytes.length; index += 1) {
      const changed = Buffer.from(bytes);
      changed[index] = (changed[index] ?? 0) ^ 1;
      expect(openSecret(key, place, `${key.id}.${changed.toString("base64")}`)).toBeUndefined();
      expect(openSecret(key, place, `${key.id}.${bytes.subarray(0, index).toString("base64")}`)).toBeUndefined();
    }
  });
});

describe("documentBytes()", () => {
  it("counts secrets as their clear text", () => {
    const sealed = sealSecret(key, { namespace: "micro", words: ["é"] }, '"ü"');
    const entries = new Map([
      ["é", { kind: "secret", sealed }],
      ["b", { kind: "value", json: "[1]" }],
    ] as const);
    expect(documentBytes({ kind: "object", entries })).toBe(Buffer.byteLength('{"é":"ü","b":[1]}'));
    expect(documentBytes({ kind: "object", entries: new Map() })).toBe(2);
  });
});
