import { describe, expect, it } from "bun:test";
import { splitCommand } from "#base/split-command.ts";
import { splitPairs } from "./deploy.ts";
import { parseServiceReference } from "./service-name.ts";

describe("splitPairs()", () => {
  it("takes pairs one by one and joined by commas", () => {
    expect(splitPairs(["A=1,B=2", "C=x=y"], "env-vars")).toEqual([
      ["A", "1"],
      ["B", "2"],
      ["C", "x=y"],
    ]);
  });

  it("keeps a comma that no new pair follows", () => {
    expect(splitPairs(["LIST=a,b,c", "URL=http://h/?a=1"], "env-vars")).toEqual([
      ["LIST", "a,b,c"],
      ["URL", "http://h/?a=1"],
    ]);
  });

  it("refuses a word that is no pair", () => {
    expect(() => splitPairs(["A"], "env-vars")).toThrow('Invalid value "A" for flag -env-vars: write KEY=VALUE');
  });
});

describe("splitCommand()", () => {
  it("splits at blanks and keeps what is quoted", () => {
    expect(splitCommand(`python3 -c "print('a b')" x'y z'`)).toEqual(["python3", "-c", "print('a b')", "xy z"]);
    expect(splitCommand("")).toEqual([]);
  });
});

describe("parseServiceReference()", () => {
  it("reads names, versions and paths", () => {
    expect(parseServiceReference("my-svc")).toEqual({ name: "my-svc", version: "" });
    expect(parseServiceReference("my-svc@v1")).toEqual({ name: "my-svc", version: "v1" });
    expect(parseServiceReference("./some/helloworld/")).toEqual({ name: "helloworld", version: "" });
  });

  it("refuses what is no name", () => {
    expect(() => parseServiceReference("a b")).toThrow("is not a service name");
    expect(() => parseServiceReference("a@")).toThrow("version name is missing");
  });
});
