import { describe, expect, it } from "bun:test";
import { describeFailure } from "./failure-reason.ts";

describe("describeFailure()", () => {
  it("finds the error among what Bun prints around it", () => {
    const lines = [
      '1 | import { x } from "nowhere";',
      "                      ^",
      'error: Cannot find package "nowhere" from "/runtime/sources/ab/index.ts"',
      "",
      "Bun v1.4.5 (Linux x64)",
    ];
    expect(describeFailure({ code: 1 }, lines, "/runtime/sources/ab")).toBe(
      'exited with code 1: error: Cannot find package "nowhere" from "index.ts"',
    );
  });

  it("finds the error among what Node prints around it", () => {
    const lines = [
      "/s/index.js:2",
      'throw new TypeError("no good");',
      "^",
      "",
      "TypeError: no good",
      "    at Object.<anonymous> (/s/index.js:2:7)",
      "",
      "Node.js v20.19.0",
    ];
    expect(describeFailure({ code: 1 }, lines, "/s")).toBe("exited with code 1: TypeError: no good");
  });

  it("takes the last line that says anything when none looks like an error, without its colours", () => {
    const lines = ["starting", "\u001b[31mlisten tcp :80: permission denied\u001b[0m", "  "];
    expect(describeFailure({ code: 2 }, lines, "/s")).toBe("exited with code 2: listen tcp :80: permission denied");
  });

  it("names the code or the signal when nothing was printed", () => {
    expect(describeFailure({ code: 0 }, [], "/s")).toBe("exited with code 0");
    expect(describeFailure({ signal: "SIGKILL" }, ["}"], "/s")).toBe("ended by signal SIGKILL");
  });

  it("takes no line that was logged as information", () => {
    const calm = [
      "2026-11-23T21:08:14.000Z info serving service=greeter",
      "[DEBUG] error: retried and well",
      '{"level":"trace","message":"error: none"}',
    ];
    expect(describeFailure({ code: 3 }, calm, "/s")).toBe("exited with code 3");
    const warned = ["2026-11-23T21:08:14.000Z warn disk is full", ...calm];
    expect(describeFailure({ code: 3 }, warned, "/s")).toBe(
      "exited with code 3: 2026-11-23T21:08:14.000Z warn disk is full",
    );
  });

  it("stays one line of a readable length", () => {
    const text = describeFailure({ code: 1 }, [`Error: ${"x".repeat(5_000)}`], "/s");
    expect(text.length).toBeLessThan(350);
  });
});
