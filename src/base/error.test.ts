import { describe, expect, it } from "bun:test";
import { MicroError } from "./error.ts";

describe("MicroError.from()", () => {
  it("returns a MicroError as it is", () => {
    const error = new MicroError("not_found", "no such thing");
    expect(MicroError.from(error)).toBe(error);
  });

  it("reads abort and timeout of the platform", () => {
    expect(MicroError.from(new DOMException("x", "AbortError")).code).toBe("cancelled");
    expect(MicroError.from(new DOMException("x", "TimeoutError")).code).toBe("timeout");
  });

  it("takes a value that cannot be turned into text", () => {
    expect(MicroError.from(Object.create(null))).toMatchObject({ code: "internal", detail: "an unknown failure" });
  });

  it("keeps anything else as the cause", () => {
    const cause = new TypeError("boom");
    const error = MicroError.from(cause, { code: "unavailable", at: "store.write", detail: "table x" });
    expect(error).toMatchObject({ code: "unavailable", id: "store.write", detail: "table x", cause });
  });
});

describe("MicroError.parse()", () => {
  it("reads what toBody() writes", () => {
    const error = new MicroError("conflict", "it exists", { at: "auth" });
    expect(MicroError.parse(JSON.stringify(error.toBody()))).toMatchObject({
      code: "conflict",
      id: "auth",
      detail: "it exists",
    });
  });

  it("keeps a status that is not in the catalogue", () => {
    expect(MicroError.parse({ id: "x", code: 418, detail: "teapot" })?.toBody()).toEqual({
      id: "x",
      code: 418,
      detail: "teapot",
      status: "",
    });
  });

  it("answers undefined for what is no error object", () => {
    for (const value of [undefined, null, "", "x", "[]", {}, { code: 0 }, { code: "400" }, { code: 1.5 }]) {
      expect(MicroError.parse(value)).toBeUndefined();
    }
  });
});
