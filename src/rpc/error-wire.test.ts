import { describe, expect, it } from "bun:test";
import * as fc from "fast-check";
import { errorCodes, type ErrorCode } from "#base/error-code.ts";
import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import {
  decodePercent,
  encodePercent,
  fromConnectError,
  fromErrorJson,
  fromGrpcTrailers,
  toConnectError,
  toErrorJson,
  toGrpcStatus,
  toGrpcTrailers,
} from "./error-wire.ts";

const codes = Object.keys(errorCodes) as ErrorCode[];
const text = fc.string({ unit: "grapheme", maxLength: 200 });
const anyError = fc
  .record({ code: fc.constantFrom(...codes), detail: text, at: fc.string({ maxLength: 20 }) })
  .map(({ code, detail, at }) => new MicroError(code, detail, { at }));

function get(trailers: object): (name: string) => string | undefined {
  const map = new Map<string, string>(Object.entries(trailers));
  return (name) => map.get(name);
}

describe("encodePercent()", () => {
  it("writes printable ASCII only, and decodePercent() reads it back", () => {
    fc.assert(
      fc.property(text, (each) => {
        const encoded = encodePercent(each);
        expect(encoded).toMatch(/^[ -~]*$/);
        expect(decodePercent(encoded)).toBe(each);
      }),
    );
    expect(encodePercent("50% grün\n")).toBe("50%25 gr%C3%BCn%0A");
  });
});

describe("decodePercent()", () => {
  it("keeps what is not an escape", () => {
    expect(decodePercent("100% %zz %4")).toBe("100% %zz %4");
    fc.assert(fc.property(fc.string(), (each) => typeof decodePercent(each) === "string"));
  });
});

describe("toGrpcTrailers()", () => {
  it("keeps code, sender and text", () => {
    fc.assert(
      fc.property(anyError, (error) => {
        const back = fromGrpcTrailers(get(toGrpcTrailers(error, "")));
        expect(back?.toBody()).toEqual(error.toBody());
      }),
    );
  });

  it("carries the same in the message alone", () => {
    const trailers = toGrpcTrailers(new MicroError("not_found", "grün fehlt"), "colours");
    const { "grpc-status": status, "grpc-message": message } = trailers;
    expect(status).toBe("5");
    expect(JSON.parse(decodePercent(message))).toEqual({
      id: "colours",
      code: 404,
      detail: "grün fehlt",
      status: "Not Found",
    });
    expect(fromGrpcTrailers(get({ "grpc-status": status, "grpc-message": message }))?.id).toBe("colours");
  });

  it("writes the detail bytes that Go clients know", () => {
    const trailers = toGrpcTrailers(new MicroError("not_found", "no"), "a");
    const hex = Buffer.from(trailers["grpc-status-details-bin"], "base64").toString("hex");
    const statusText = Buffer.from("Not Found").toString("hex");
    const error = `0a01611094031a026e6f2209${statusText}`;
    const typeUrl = Buffer.from("type.googleapis.com/Error").toString("hex");
    const body = JSON.stringify({ id: "a", code: 404, detail: "no", status: "Not Found" });
    const message = `12${body.length.toString(16)}${Buffer.from(body).toString("hex")}`;
    expect(hex).toBe(`0805${message}1a320a19${typeUrl}1215${error}`);
  });

  it("cuts a text that would not fit into headers", () => {
    const trailers = toGrpcTrailers(new MicroError("internal", "x".repeat(100_000)), "");
    expect(trailers["grpc-message"].length).toBeLessThan(5_000);
  });
});

describe("fromGrpcTrailers()", () => {
  it("says nothing for status 0", () => {
    expect(fromGrpcTrailers(get({ "grpc-status": "0" }))).toBeUndefined();
  });

  it("takes plain text from peers that are not Micro", () => {
    const error = fromGrpcTrailers(get({ "grpc-status": "12", "grpc-message": "unknown service Foo.Bar" }));
    expect(error?.code).toBe("unimplemented");
    expect(error?.detail).toBe("unknown service Foo.Bar");
  });

  it("never throws on details that are not ours", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (message, details) => {
        const error = fromGrpcTrailers(
          get({ "grpc-status": "3", "grpc-message": message, "grpc-status-details-bin": details }),
        );
        expect(MicroError.is(error)).toBe(true);
      }),
    );
  });

  it("counts a missing status as a bad gateway", () => {
    expect(fromGrpcTrailers(get({}))?.code).toBe("bad_gateway");
  });
});

describe("toErrorJson()", () => {
  it("keeps code, sender and text", () => {
    fc.assert(
      fc.property(anyError, (error) => {
        expect(fromErrorJson(error.httpStatus, toErrorJson(error, "")).toBody()).toEqual(error.toBody());
      }),
    );
  });
});

describe("fromErrorJson()", () => {
  it("quotes a body that is no error of ours", () => {
    const error = fromErrorJson(503, Buffer.from("<h1>down</h1>\n"));
    expect([error.code, error.detail]).toEqual(["unavailable", "<h1>down</h1>"]);
    expect(fromErrorJson(404, new Uint8Array(0)).detail).toBe("HTTP status 404");
  });
});

describe("toConnectError()", () => {
  it("keeps code, sender and text", () => {
    fc.assert(
      fc.property(anyError, (error) => {
        expect(fromConnectError(JSON.parse(JSON.stringify(toConnectError(error, ""))))?.toBody()).toEqual(
          error.toBody(),
        );
      }),
    );
  });

  it("uses the names of Connect", () => {
    expect(toConnectError(new MicroError("not_found", "no"), "")).toMatchObject({ code: "not_found", message: "no" });
    expect(toConnectError(new MicroError("timeout", "late"), "").code).toBe("deadline_exceeded");
    expect(fromConnectError({ code: "already_exists", message: "it is" })?.code).toBe("conflict");
  });
});

describe("toGrpcStatus()", () => {
  it("is Unknown for a status outside the catalogue", () => {
    expect(toGrpcStatus(new MicroError("invalid_argument", "tea", { httpStatus: 418 }))).toBe(2);
    expect(toGrpcStatus(new MicroError("timeout", "late"))).toBe(4);
  });
});

describe("toGrpcTrailers() of a long text", () => {
  it("keeps the trailers within the limit of headers, whatever the characters", () => {
    for (const character of ["x", "é", "漢", "🦊"]) {
      const trailers = toGrpcTrailers(new MicroError("internal", character.repeat(10_000)), "a");
      const length = Object.values(trailers).reduce((sum, value) => sum + value.length, 0);
      expect(length).toBeLessThan(limits.headerBytesMax);
      expect(decodePercent(trailers["grpc-message"])).toContain(character.repeat(100));
    }
  });
});
