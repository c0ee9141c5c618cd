import { describe, expect, it } from "bun:test";
import { MicroError } from "#base/error.ts";
import type { SealedPlace, SecretSealer } from "#interface/secret-sealer.ts";
import { MemoryStore } from "#core/store/memory-store.ts";
import { ServiceSecrets } from "./service-secrets.ts";

const key = { namespace: "foo", name: "greeter", version: "1.0.0" };

/** Seals with a word that can be changed, for one place only. */
class WordSealer implements SecretSealer {
  word = "one";

  async seal(place: SealedPlace, text: string): Promise<string> {
    return [this.word, ...place.words, btoa(text)].join(" ");
  }

  async open(place: SealedPlace, sealed: string): Promise<string> {
    const start = [this.word, ...place.words, ""].join(" ");
    if (!sealed.startsWith(start)) throw new MicroError("failed_precondition", "another key");
    return atob(sealed.slice(start.length));
  }
}

describe("ServiceSecrets", () => {
  it("keeps by name, removes what is empty, and stays apart from other services", async () => {
    const secrets = new ServiceSecrets({ store: new MemoryStore(), secrets: new WordSealer() });
    await secrets.keep(key, { A: "a", B: "b" });
    await secrets.keep(key, { A: "", C: "c" });
    expect(await secrets.find(key)).toEqual({ B: "b", C: "c" });
    expect(await secrets.find({ ...key, version: "2.0.0" })).toEqual({});
  });

  it("takes over another key, and says which secret cannot be read", async () => {
    const sealer = new WordSealer();
    const secrets = new ServiceSecrets({ store: new MemoryStore(), secrets: sealer });
    await secrets.keep(key, { A: "a", B: "b" });
    sealer.word = "two";
    await expect(secrets.find(key)).rejects.toThrow("the secret A of greeter cannot be read any more; give it again");
    expect(await secrets.renewSecrets((_place, sealed) => sealed.replace("one ", "two "))).toBe(2);
    expect(await secrets.find(key)).toEqual({ A: "a", B: "b" });
    expect(await secrets.renewSecrets(() => undefined)).toBe(0);
  });
});
