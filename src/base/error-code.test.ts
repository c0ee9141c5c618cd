import { describe, expect, it } from "bun:test";
import { codeFromGrpc, codeFromHttp, errorCodes, grpcFromHttp, type ErrorCode } from "./error-code.ts";

const names = Object.keys(errorCodes) as ErrorCode[];

describe("errorCodes", () => {
  it("has the same rows as docs/errors.md", async () => {
    const page = await Bun.file(new URL("../../docs/errors.md", import.meta.url)).text();
    const documented = [...page.matchAll(/^\| `(\w+)` \| (\d+) \| (\d+) \| (.+) \|$/gm)].map((match) =>
      match.slice(1, 5),
    );
    const catalogue = names.map((name) => {
      const { http, grpc, meaning } = errorCodes[name];
      return [name, String(http), String(grpc), meaning];
    });
    expect(documented).toEqual(catalogue);
  });

  it("finds each row again by its HTTP status", () => {
    for (const name of names) expect(codeFromHttp(errorCodes[name].http)).toBe(name);
  });

  it("maps statuses outside the catalogue to the nearest row", () => {
    expect(codeFromHttp(418)).toBe("invalid_argument");
    expect(codeFromHttp(599)).toBe("internal");
    expect(codeFromGrpc(77)).toBe("internal");
    expect(grpcFromHttp(418)).toBe(2);
  });

  it("keeps the contract's gRPC status for each HTTP status that Micro names", () => {
    const contract = { 400: 3, 401: 16, 403: 7, 404: 5, 408: 4, 409: 6, 412: 9, 500: 13, 501: 12, 503: 14 };
    for (const [http, grpc] of Object.entries(contract)) expect(grpcFromHttp(Number(http))).toBe(grpc);
  });
});
