import { describe, expect, it } from "bun:test";
import { z } from "zod";
import { MicroError } from "#base/error.ts";
import { declareMethod, toTypeName } from "./declare-method.ts";
import { service } from "./service.ts";

const declaration = { request: z.object({}), response: z.object({}), handle: () => ({}) };

describe("declareMethod()", () => {
  it.each([
    ["helloworld", "Call", "Helloworld.Call"],
    ["user-api", "List", "UserApi.List"],
    ["v1.foo", "Bar", "Foo.Bar"],
    ["greeter", "Say.Hello", "Say.Hello"],
  ])("names an endpoint of %s declared as %s", (serviceName, name, endpoint) => {
    expect(declareMethod(serviceName, name, declaration).spec.endpoint).toBe(endpoint);
  });

  it.each(["", ".", "Say.", ".Hello", "a.b.c", "Say/Hello", "Say.Hello world"])("refuses the name %p", (name) => {
    expect(() => declareMethod("greeter", name, declaration)).toThrow(MicroError);
  });

  it("names its messages after the endpoint where the schemas have no name", () => {
    const named = z.object({}).meta({ id: "Greeting" });
    const { spec } = declareMethod("greeter", "Say.Hello", { ...declaration, response: named });
    expect([spec.input.name, spec.output.name]).toEqual(["SayHelloRequest", "Greeting"]);
  });
});

describe("declareMethod() in plain JavaScript", () => {
  it.each([
    [{ ...declaration, kind: "stream" }, "kind must be one of unary, server_stream, client_stream, bidi_stream"],
    [{ ...declaration, request: {} }, "request must be a schema"],
    [{ ...declaration, response: undefined }, "response must be a schema"],
    [{ ...declaration, handle: "Hello" }, "handle must be a function"],
  ])("says what is wrong with a declaration (case %#)", (wrong, detail) => {
    const given: unknown = wrong;
    expect(() => declareMethod("greeter", "Say.Hello", given as typeof declaration)).toThrow(
      `endpoint Say.Hello: ${detail}`,
    );
  });
});

describe("toTypeName()", () => {
  it("keeps what is in upper case", () => {
    expect(toTypeName("userAPI")).toBe("UserAPI");
  });
});

describe("Service.endpoint()", () => {
  it("refuses a name that is taken", () => {
    const greeter = service("greeter").endpoint("Say.Hello", declaration);
    expect(() => greeter.endpoint("Say.Hello", declaration)).toThrow(
      "endpoint Say.Hello of service greeter is declared twice",
    );
  });

  it("refuses a service name that is none", () => {
    expect(() => service("../x")).toThrow('"../x" is not a service name');
  });
});
