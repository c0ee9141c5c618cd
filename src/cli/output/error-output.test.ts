import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { CommandError } from "#cli/command-error.ts";
import { MicroError } from "#base/error.ts";
import { reportError } from "./error-output.ts";

const loggedIn = { address: "127.0.0.1:8081", isLoggedIn: true };

describe("reportError()", () => {
  it.each([
    ["helloworld already exists", 1, new CommandError("helloworld already exists")],
    ["x", 128, new CommandError("x", { exitCode: 128 })],
    ['Service "nope" not found', 4, new MicroError("internal", "service nope: route not found")],
    ['Service method "Say.Hi" not found', 5, new MicroError("unimplemented", "unknown service Say.Hi")],
    ['Service "greeter" not found', 5, new MicroError("unimplemented", "unknown service greeter")],
    [
      'Method name "Call" invalid format. Expecting service.endpoint',
      3,
      new MicroError("invalid_argument", 'malformed method name: "Call"'),
    ],
    ["Request timed out", 1, new MicroError("timeout", "context deadline exceeded")],
    ["not found", 127, new MicroError("not_found", "not found")],
    ["a bug", 128, new TypeError("a bug")],
  ] as const)("says %p with exit code %d", (text, exitCode, reason) => {
    expect(reportError(reason, loggedIn)).toMatchObject({ exitCode, text });
  });

  it("says where no server answers and how to start one", () => {
    const refused = new MicroError("unavailable", "refused", { neverSent: true });
    expect(reportError(refused, loggedIn)).toMatchObject({
      exitCode: 4,
      text: 'Failed to connect to micro server at 127.0.0.1:8081: is it running? Start it with "micro server"',
    });
  });

  it("tells a missing login from one that ended", () => {
    const refused = new MicroError("unauthenticated", "an account is required");
    expect(reportError(refused, loggedIn).text).toContain("not valid any more");
    const loggedOut = reportError(refused, { ...loggedIn, isLoggedIn: false });
    expect(loggedOut).toMatchObject({ exitCode: 2 });
    expect(loggedOut.text).toBe('Not authorized to perform this request: log in with "micro login"');
  });

  it("is one line whatever was thrown", () => {
    fc.assert(
      fc.property(fc.anything(), (reason) => {
        const report = reportError(reason, loggedIn);
        expect(report.text).not.toMatch(/[\r\n]/);
        expect(report.exitCode).toBeGreaterThan(0);
      }),
    );
  });
});
