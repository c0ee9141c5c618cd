import { describe, expect, it } from "bun:test";
import { endpointWords, findEndpoint } from "./find-endpoint.ts";
import type { EndpointEntry } from "./service-entry.ts";

const value = { name: "", type: "", values: [] };
const endpoints: readonly EndpointEntry[] = ["MySvc.Call", "MySvc.ListAll", "Stream.Publish"].map((name) => ({
  name,
  request: value,
  response: value,
  metadata: {},
}));

describe("findEndpoint()", () => {
  it.each([
    [[], "MySvc.Call"],
    [["call"], "MySvc.Call"],
    [["list-all"], "MySvc.ListAll"],
    [["listAll"], "MySvc.ListAll"],
    [["stream", "publish"], "Stream.Publish"],
    [["publish"], "Stream.Publish"],
    [["Stream.Publish"], "Stream.Publish"],
    [["stream.publish"], "Stream.Publish"],
    [["my-svc.list-all"], "MySvc.ListAll"],
    [["stream.call"], undefined],
    [["nope"], undefined],
    [["stream", "nope"], undefined],
  ])("takes %j of service my-svc as %s", (words, name) => {
    expect(findEndpoint(endpoints, "my-svc", words)?.name).toBe(name);
  });
});

describe("endpointWords()", () => {
  it("leaves out the type that is named like the service", () => {
    expect(endpointWords("my-svc", "MySvc.ListAll")).toBe("listAll");
    expect(endpointWords("my-svc", "Stream.Publish")).toBe("stream publish");
  });

  it("gives words that find the endpoint again", () => {
    for (const { name } of endpoints) {
      expect(findEndpoint(endpoints, "my-svc", endpointWords("my-svc", name).split(" "))?.name).toBe(name);
    }
  });
});
