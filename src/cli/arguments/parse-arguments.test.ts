import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { MicroError } from "#base/error.ts";
import { globalFlags, type FlagSpec } from "./flag-spec.ts";
import { findCommandWord, isFlagWord, parseArguments } from "./parse-arguments.ts";

const specs: readonly FlagSpec[] = [
  { name: "name", kind: "string", help: "" },
  { name: "env-vars", kind: "list", help: "" },
  { name: "follow", short: "f", kind: "bool", help: "" },
  { name: "lines", short: "n", kind: "string", help: "" },
];

describe("parseArguments()", () => {
  it("takes flags before, between and after words", () => {
    const parsed = parseArguments(["--name", "x", "a", "-f", "b", "--lines=3"], specs);
    expect(parsed.words).toEqual(["a", "b"]);
    expect(parsed.flags.text("name")).toBe("x");
    expect(parsed.flags.isOn("follow")).toBe(true);
    expect(parsed.flags.count("lines")).toBe(3);
  });

  it("keeps everything after the first equals sign as the value", () => {
    expect(parseArguments(["--name=http://h/?a=b&c=d"], specs).flags.text("name")).toBe("http://h/?a=b&c=d");
  });

  it("never takes a flag for the value of another", () => {
    expect(() => parseArguments(["--name", "--follow"], specs)).toThrow("Flag needs an argument: -name");
    expect(() => parseArguments(["--name"], specs)).toThrow("Flag needs an argument: -name");
  });

  it("takes a negative number as a value and a value with dashes after an equals sign", () => {
    expect(parseArguments(["-n", "-5"], specs).flags.text("lines")).toBe("-5");
    expect(parseArguments(["--name=--follow"], specs).flags.text("name")).toBe("--follow");
  });

  it("reads underscores as dashes and collects repeated flags", () => {
    expect(parseArguments(["--env_vars", "A=1", "--env-vars=B=2"], specs).flags.list("env-vars")).toEqual([
      "A=1",
      "B=2",
    ]);
  });

  it("leaves what follows -- as it is", () => {
    const parsed = parseArguments(["a", "--", "--name", "b"], specs);
    expect(parsed.words).toEqual(["a"]);
    expect(parsed.rest).toEqual(["--name", "b"]);
  });

  it("names a flag that it does not know", () => {
    expect(() => parseArguments(["--nope"], specs)).toThrow("Flag provided but not defined: -nope");
  });

  it("gives back every value that was written with an equals sign, wherever words stand", () => {
    const plainWord = fc.string().filter((text) => text !== "--" && !isFlagWord(text));
    fc.assert(
      fc.property(fc.string(), fc.array(plainWord), fc.array(plainWord), (value, before, after) => {
        const parsed = parseArguments([...before, `--name=${value}`, ...after], specs);
        expect(parsed.flags.text("name")).toBe(value);
        expect(parsed.words).toEqual([...before, ...after]);
      }),
    );
  });

  it("answers any line with a result or a MicroError", () => {
    const word = fc.oneof(fc.string(), fc.constantFrom("--", "-f", "--name", "--name=", "-n", "--follow=false", "-"));
    fc.assert(
      fc.property(fc.array(word), (line) => {
        try {
          parseArguments(line, specs);
        } catch (reason) {
          expect(MicroError.is(reason)).toBe(true);
        }
      }),
    );
  });
});

describe("findCommandWord()", () => {
  it("skips global flags and their values", () => {
    expect(findCommandWord(["--env", "prod", "-o=json", "services"], globalFlags)).toBe(3);
    expect(findCommandWord(["--help", "run"], globalFlags)).toBe(1);
    expect(findCommandWord(["--env", "prod"], globalFlags)).toBe(-1);
  });
});
