import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import fc from "fast-check";
import { formatPath } from "#gateway/format-path.ts";
import { resolvePath } from "#gateway/path-table.ts";
import { echoEndpoints, startEdge, type Edge } from "./edge.ts";

interface Document {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly paths: Readonly<Record<string, { readonly post: Record<string, unknown> }>>;
}

let edge: Edge;

beforeAll(async () => {
  edge = await startEdge();
  for (const domain of ["micro", "foo"]) {
    const nodes = [{ id: "echo-1", address: "127.0.0.1:9", metadata: {} }];
    await edge.register({ name: "echo", domain, nodes, endpoints: echoEndpoints });
  }
});
afterAll(() => edge[Symbol.asyncDispose]());

function ask(token?: string): Promise<Response> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return fetch(`${edge.gateway}/openapi.json`, { headers });
}

async function read(token: string): Promise<Document> {
  return (await (await ask(token)).json()) as Document;
}

describe("gateway, /openapi.json", () => {
  it("describes the endpoints of the caller's namespace, with their schemas", async () => {
    const document = await read("token-admin");
    expect(document).toMatchObject({ openapi: "3.1.0", info: { version: "1.2.3" } });
    expect(document.paths["/echo/Say"]?.post).toMatchObject({
      operationId: "echo.Echo.Say",
      tags: ["echo"],
      requestBody: {
        content: {
          "application/json": {
            schema: { type: "object", properties: { text: { type: "string" }, count: { type: "integer" } } },
          },
        },
      },
      responses: { 200: { content: { "application/json": { schema: { type: "object" } } } } },
    });
  });

  it("says that a stream is one, and leaves out what one request cannot carry", async () => {
    const { paths } = await read("token-admin");
    expect(paths["/echo/Repeat"]?.post).toMatchObject({
      responses: { 200: { content: { "application/x-ndjson": {}, "text/event-stream": {} } } },
    });
    expect(Object.keys(paths)).not.toContain("/echo/Chat");
  });

  it("shows nobody what he may not call", async () => {
    expect(Object.keys((await read("token-admin")).paths)).toContain("/echo/Plain");
    const others = Object.keys((await read("token-ann")).paths);
    expect(others).toContain("/echo/Say");
    expect(others).not.toContain("/echo/Plain");
    expect((await ask()).status).toBe(401);
    expect((await ask("nonsense")).status).toBe(401);
  });
});

describe("formatPath()", () => {
  it("gives a path that leads back to the endpoint, whatever the names", () => {
    const word = fc.stringMatching(/^[A-Z][A-Za-z0-9]{0,8}$/);
    const service = fc.array(fc.stringMatching(/^[a-z][a-z0-9-]{0,6}[a-z0-9]$/), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(service, word, word, (parts, type, method) => {
        const name = parts.join(".");
        const path = formatPath(name, `${type}.${method}`);
        if (path !== undefined) expect(resolvePath(path)).toEqual({ service: name, endpoint: `${type}.${method}` });
      }),
    );
  });

  it.each([
    ["helloworld", "Helloworld.Call", "/helloworld/Call"],
    ["auth", "Accounts.List", "/auth/Accounts/List"],
    ["v1.foo", "Foo.Bar", "/v1/foo/Bar"],
    ["a.b", "C.D", "/a/b/C/D"],
    ["users-api", "UsersApi.Read", "/users-api/Read"],
  ])("calls %s %s by %s", (service, endpoint, path) => {
    expect(formatPath(service, endpoint)).toBe(path);
  });
});
