import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { ExecuteRequestSchema, ExecuteResponseSchema } from "#gen/store/store_pb.ts";
import { joinBytes } from "#base/join-bytes.ts";
import { protoMessage } from "#rpc/proto-message.ts";
import { encodeDelete, encodeRead, encodeWhere, encodeWrite, executeTypes } from "./store-codec.ts";

const request = protoMessage(ExecuteRequestSchema);
const response = protoMessage(ExecuteResponseSchema);
const text = fc.string({ unit: "grapheme" });
const where = fc.record({ database: text, table: text });
const revision = fc.option(fc.maxSafeNat(), { nil: undefined });
const positive = fc.option(
  fc.maxSafeNat().filter((value) => value > 0),
  { nil: undefined },
);

function readTask(task: Uint8Array): unknown {
  return request.binary.decode(task).tasks[0]?.work;
}

/** What the library gives for a number that may be absent. */
function toBig(value: number | undefined): { readonly expectedRevision?: bigint } {
  return value === undefined ? {} : { expectedRevision: BigInt(value) };
}

describe("encodeWrite()", () => {
  it("writes what the library reads", () => {
    const given = fc.record({
      where,
      key: text,
      value: fc.uint8Array(),
      revision,
      positive,
      later: positive,
      metadata: fc.dictionary(text, text),
    });
    const property = fc.property(
      given,
      ({ where: at, key, value, revision: expectedRevision, positive: expiresInMs, later, metadata }) => {
        const options = {
          metadata,
          ...(expectedRevision !== undefined && { expectedRevision }),
          ...(expiresInMs !== undefined && { expiresInMs }),
          ...(later !== undefined && { expiresAtMs: later }),
        };
        const fields = Object.entries(metadata).map(([name, each]) => [name, { type: "string", value: each }] as const);
        expect(readTask(encodeWrite(encodeWhere(at), { key, value, options }))).toMatchObject({
          case: "write",
          value: {
            record: {
              key,
              value,
              metadata: Object.fromEntries(fields),
              expiry: 0n,
              expiryMs: BigInt(expiresInMs ?? 0),
              expiresAtMs: BigInt(later ?? 0),
            },
            options: at,
            ...toBig(expectedRevision),
          },
        });
      },
    );
    fc.assert(property);
  });

  it("refuses numbers and texts that the store would take for others", () => {
    const bytes = encodeWhere({ database: "a", table: "b" });
    expect(() => encodeWrite(bytes, { key: "\uD800", value: "", options: {} })).toThrow("well-formed");
    expect(() => encodeWrite(bytes, { key: "a", value: "", options: { expiresInMs: 0 } })).toThrow("whole number");
    expect(() => encodeWrite(bytes, { key: "a", value: "", options: { expectedRevision: -1 } })).toThrow(
      "whole number",
    );
  });
});

describe("encodeRead() and encodeDelete()", () => {
  it("write what the library reads", () => {
    const property = fc.property(where, text, revision, (at, key, expectedRevision) => {
      const bytes = encodeWhere(at);
      expect(readTask(encodeRead(bytes, key))).toMatchObject({ case: "read", value: { key, options: at } });
      const removal = readTask(encodeDelete(bytes, key, expectedRevision));
      expect(removal).toMatchObject({ case: "delete", value: { key, options: at, ...toBig(expectedRevision) } });
    });
    fc.assert(property);
  });
});

describe("executeTypes", () => {
  it("sends tasks one behind the other", () => {
    const bytes = encodeWhere({ database: "a", table: "b" });
    const tasks = [encodeRead(bytes, "1"), encodeDelete(bytes, "2", 0)];
    const body = executeTypes.input.binary?.encode(tasks) ?? new Uint8Array(0);
    expect(body).toEqual(joinBytes(tasks));
    expect(request.binary.decode(body).tasks.map(({ work }) => work.case)).toEqual(["read", "delete"]);
  });

  it("reads what the library writes", () => {
    const record = fc.record({
      key: text,
      value: fc.uint8Array(),
      metadata: fc.dictionary(text, text),
      revision: fc.maxSafeNat(),
      expiresAtMs: fc.nat(),
    });
    const outcome = fc.oneof(
      record.map((each) => {
        const fields = Object.entries(each.metadata).map(([name, value]) => [name, { type: "string", value }] as const);
        const sent = {
          ...each,
          metadata: Object.fromEntries(fields),
          revision: BigInt(each.revision),
          expiresAtMs: BigInt(each.expiresAtMs),
        };
        const { expiresAtMs, ...rest } = each;
        return {
          result: { case: "read" as const, value: { records: [sent] } },
          expected: { revision: 0, record: expiresAtMs === 0 ? rest : each },
        };
      }),
      fc.maxSafeNat().map((each) => ({
        result: { case: "write" as const, value: { revision: BigInt(each) } },
        expected: { revision: each },
      })),
      fc.constant({ result: { case: "delete" as const, value: {} }, expected: { revision: 0 } }),
      fc.record({ code: fc.nat({ max: 599 }), detail: text }).map((failure) => ({
        result: { case: "failure" as const, value: failure },
        expected: { revision: 0, failure },
      })),
    );
    const property = fc.property(fc.array(outcome), (given) => {
      const bytes = response.binary.encode({ outcomes: given.map(({ result }) => ({ result })) });
      const read = executeTypes.output.binary?.decode(bytes);
      expect(read).toEqual(given.map((each) => each.expected));
    });
    fc.assert(property);
  });

  it("refuses bytes that are none", () => {
    const property = fc.property(fc.uint8Array(), (given) => {
      try {
        executeTypes.output.binary?.decode(given);
      } catch (reason) {
        expect(reason).toMatchObject({ code: "invalid_argument" });
      }
    });
    fc.assert(property, { numRuns: 1_000 });
  });
});
