import { describe, expect, it } from "bun:test";
import { resolvePath } from "#gateway/path-table.ts";
import { startServer } from "#testing/start-server.ts";
import { findBreaches } from "../wire/openapi-rules.ts";

const lab = new URL("../fixtures/lab-service", import.meta.url).pathname;
const greeter = new URL("../../examples/greeter-proto", import.meta.url).pathname;

interface Document {
  readonly paths: Readonly<Record<string, { readonly post: { readonly operationId: string } }>>;
}

describe("/openapi.json of a server", () => {
  it("is valid OpenAPI 3.1, has every service, and paths that lead to what they describe", async () => {
    await using server = await startServer();
    for (const source of [lab, greeter]) expect((await server.micro(["run", source])).code).toBe(0);
    const answer = await fetch(`http://${server.addresses.gateway}/openapi.json`, {
      headers: { authorization: `Bearer ${await server.token()}` },
    });
    expect(answer.headers.get("content-type")).toBe("application/json");
    const document = (await answer.json()) as Document;
    expect(findBreaches(document)).toEqual([]);
    const operations = Object.entries(document.paths).map(([path, { post }]) => {
      const route = resolvePath(path);
      expect(post.operationId).toBe(`${route?.service}.${route?.endpoint}`);
      return post.operationId;
    });
    const services = new Set(operations.map((each) => each.split(".")[0]));
    const listed = (await server.micro(["services"])).stdout.trim().split("\n");
    expect(services).toEqual(new Set(listed));
  }, 60_000);
});

describe("findBreaches()", () => {
  it("finds what is wrong", () => {
    const post = { responses: { "2000": {} }, tags: ["nobody"], requestBody: {} };
    const schemas = { "a b": { type: "text" }, list: { type: "array" }, lost: { $ref: "#/components/schemas/none" } };
    const document = { openapi: "3.0.0", info: { title: "" }, paths: { a: { post } }, components: { schemas } };
    const found = findBreaches(document).join("\n");
    for (const what of [
      "#/openapi: is not 3.1.x",
      "version is missing",
      "does not begin with a slash",
      "is no status",
      "tag nobody is not declared",
      "content is missing",
      "text is no type",
      "says nothing of its items",
      "#/components/schemas/none is not there",
      "is no name of a component",
    ]) {
      expect(found).toContain(what);
    }
  });
});
