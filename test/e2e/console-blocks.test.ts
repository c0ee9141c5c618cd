import { describe, expect, it } from "bun:test";
import { matchesShown, parseConsoleBlocks, readOutputs, toShellScript } from "./console-blocks.ts";
import { runCommand } from "#testing/run-command.ts";

const page = ["text", "```console", "$ one", "1", "", "$ two", "> more", "```", "```sh", "$ three", "```", ""].join(
  "\n",
);

describe("parseConsoleBlocks()", () => {
  it("reads commands with their lines and outputs, of console blocks only", () => {
    expect(parseConsoleBlocks(page)).toEqual([
      [
        { line: 3, text: "one", output: "1\n\n" },
        { line: 6, text: "two\nmore", output: "" },
      ],
    ]);
  });

  it("refuses output without a command", () => {
    expect(() => parseConsoleBlocks("```console\nlost\n```")).toThrow("line 2");
  });
});

describe("toShellScript()", () => {
  it("runs all commands in one shell and keeps their outputs and codes apart", async () => {
    const block = ["a=1; echo out", "echo err >&2; (exit 3)", "echo $a"].map((text) => ({ line: 1, text, output: "" }));
    const { stdout } = await runCommand(["sh", "-c", toShellScript(block)]);
    expect(readOutputs(stdout)).toEqual([
      { output: "out\n", code: 0 },
      { output: "err\n", code: 3 },
      { output: "1\n", code: 0 },
    ]);
  });
});

describe("matchesShown()", () => {
  it("takes any number of blanks as one and the ellipsis as any text", () => {
    expect(matchesShown("NAME  AGE\na  … ago\n", "NAME AGE\na     1m2s ago\n")).toBe(true);
    expect(matchesShown("first\n…\n", "first\nsecond\nthird\n")).toBe(true);
  });

  it("refuses other text, more of it and less of it", () => {
    expect(matchesShown("a.c\n", "abc\n")).toBe(false);
    expect(matchesShown("a\n", "a\nb\n")).toBe(false);
    expect(matchesShown("a\nb\n", "a\n")).toBe(false);
  });
});
