import { create, toBinary } from "@bufbuild/protobuf";
import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { ErrorSchema } from "#gen/error_pb.ts";
import { StatusSchema } from "#gen/google/rpc/status_pb.ts";
import { decodeErrorProto, decodeFirstDetail, encodeErrorProto, encodeStatusProto } from "./error-proto.ts";

const body = fc.record({
  id: fc.string({ unit: "grapheme" }),
  code: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  detail: fc.string({ unit: "grapheme" }),
  status: fc.string(),
});

describe("error-proto", () => {
  it("writes and reads the same bytes as the generated code", () => {
    fc.assert(
      fc.property(body, (error) => {
        const theirs = toBinary(ErrorSchema, create(ErrorSchema, error));
        expect(Buffer.from(encodeErrorProto(error)).equals(Buffer.from(theirs))).toBe(true);
        expect(decodeErrorProto(theirs)).toEqual({ id: error.id, code: error.code, detail: error.detail });
        const detail = { typeUrl: "type.googleapis.com/Error", value: theirs };
        const status = toBinary(
          StatusSchema,
          create(StatusSchema, { code: 5, message: error.detail, details: [detail] }),
        );
        expect(
          Buffer.from(encodeStatusProto({ code: 5, message: error.detail }, detail)).equals(Buffer.from(status)),
        ).toBe(true);
        expect(decodeFirstDetail(status)?.typeUrl).toBe(detail.typeUrl);
        expect(decodeFirstDetail(status)?.value).toEqual(Buffer.from(theirs));
      }),
    );
  });

  it("reads any bytes without failing", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        decodeErrorProto(bytes);
        decodeFirstDetail(bytes);
      }),
    );
  });
});
