import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { MicroError } from "#base/error.ts";
import { parseManifest } from "./manifest-schema.ts";

function refusal(value: unknown): string {
  try {
    parseManifest(value, "micro.json");
  } catch (reason) {
    return MicroError.from(reason).detail;
  }
  return "";
}

describe("parseManifest()", () => {
  it("reads every field", () => {
    const written = {
      command: "serve --port '80 80'",
      args: ["-v"],
      entrypoint: "cmd/a",
      build: ["make all", ["go", "vet"]],
      buildEnv: { CGO_ENABLED: "0" },
      installScripts: true,
      env: { COLOUR: "blue" },
      instances: 2,
      language: "go",
      runner: "node",
      port: 8080,
      openapi: "/openapi.json",
      health: { path: "/healthz", interval: "5s", timeout: "500ms" },
      resources: { memory: "1.5 GiB", cpu: 0.5 },
    };
    expect(parseManifest(written, "micro.json")).toEqual({
      ...written,
      command: ["serve", "--port", "80 80"],
      build: [
        ["sh", "-c", "make all"],
        ["go", "vet"],
      ],
      language: "go",
      runner: "node",
      health: { path: "/healthz", intervalMs: 5_000, timeoutMs: 500 },
      resources: { memoryBytes: 1_536 * 1_024 * 1_024, cpuCores: 0.5 },
    });
  });

  it("refuses what is wrong in one line with the file and the key", () => {
    expect(refusal({ comand: "x" })).toStartWith("micro.json: unknown key comand; known are command, args,");
    expect(refusal({ health: { url: "/" } })).toBe(
      "micro.json: unknown key health.url; known are path, interval, timeout",
    );
    expect(refusal({ instances: 0 })).toBe("micro.json: instances: it must be 1 or more");
    expect(refusal({ port: "80" })).toBe("micro.json: port: expected number, received string");
    expect(refusal({ resources: { memory: "512" } })).toBe(
      'micro.json: resources.memory: "512" is not an amount of memory; write it like 512MiB or 2GiB',
    );
    expect(refusal({ resources: { cpu: 0 } })).toBe("micro.json: resources.cpu: it must be above 0");
    expect(refusal({ health: { interval: "0s" } })).toContain("health.interval: it must be 100ms or more");
    expect(refusal({ health: { interval: "5" } })).toContain('health.interval: "5" is not a duration');
    expect(refusal({ health: { path: "healthz" } })).toContain('health.path: it must be a path that begins with "/"');
    expect(refusal({ env: { "A B": "c" } })).toContain("micro.json: env.A B: ");
    expect(refusal({ command: "" })).toBe("micro.json: command: it is empty");
    expect(refusal({ runner: "deno" })).toContain('runner: invalid option: expected one of "bun"|"node"');
  });

  it("never fails in another way, whatever is written", () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom("command", "build", "env", "health", "port", "x"), fc.jsonValue()),
        (value) => {
          try {
            parseManifest(value, "micro.json");
          } catch (reason) {
            expect(reason).toBeInstanceOf(MicroError);
            expect(MicroError.from(reason).detail).not.toContain("\n");
          }
        },
      ),
    );
  });
});
