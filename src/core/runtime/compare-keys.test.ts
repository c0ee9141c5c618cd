import { describe, expect, it } from "bun:test";
import { compareKeys } from "./compare-keys.ts";

describe("compareKeys()", () => {
  it("puts a name before the longer ones that begin with it, then versions, then namespaces", () => {
    const keys = [
      { namespace: "b", name: "greeter", version: "v1" },
      { namespace: "a", name: "greeter-node", version: "latest" },
      { namespace: "a", name: "greeter", version: "v1" },
      { namespace: "z", name: "greeter", version: "latest" },
      { namespace: "a", name: "Zoo", version: "latest" },
    ];
    expect(keys.toSorted(compareKeys).map(({ namespace, name, version }) => `${name}:${version} ${namespace}`)).toEqual(
      ["Zoo:latest a", "greeter:latest z", "greeter:v1 a", "greeter:v1 b", "greeter-node:latest a"],
    );
  });
});
