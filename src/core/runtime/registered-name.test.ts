import { describe, expect, it } from "bun:test";
import { describeRegistrations, findServiceName } from "./registered-name.ts";

describe("findServiceName()", () => {
  it("is the deployment's name where that is registered, else the first", () => {
    expect(findServiceName("greeter", [{ name: "admin" }, { name: "greeter" }])).toBe("greeter");
    expect(findServiceName("folder", [{ name: "greeter" }, { name: "admin" }])).toBe("greeter");
    expect(findServiceName("folder", [])).toBeUndefined();
  });
});

describe("describeRegistrations()", () => {
  it("is silent about a name that is the deployment's alone", () => {
    expect(describeRegistrations("greeter", [{ name: "greeter", others: [] }])).toEqual([]);
    expect(describeRegistrations("folder", [{ name: "greeter", others: [] }])).toEqual(["registers as greeter"]);
  });

  it("names the other deployments", () => {
    const others = ["one", "two"].map((name) => ({ namespace: "micro", name, version: "latest" }));
    expect(describeRegistrations("greeter", [{ name: "greeter", others }])).toEqual([
      "registers as greeter, which one:latest and two:latest serve too: a call reaches any of them",
    ]);
  });
});
