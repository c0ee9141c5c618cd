import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { ExecuteRequestSchema, ExecuteResponseSchema, type Outcome } from "#gen/store/store_pb.ts";
import type { StoreRecord } from "#interface/store.ts";
import { protoMessage } from "#rpc/proto-message.ts";
import { decodeTasks } from "./decode-tasks.ts";
import { encodeOutcomes, toOutcome } from "./encode-outcomes.ts";
import type { StoreTask, TaskOutcome } from "./store-task.ts";

const request = protoMessage(ExecuteRequestSchema);
const response = protoMessage(ExecuteResponseSchema);
const text = fc.string({ unit: "grapheme" });
const options = fc.option(fc.record({ database: text, table: text }), { nil: undefined });
const revision = fc.option(fc.maxSafeNat().map(BigInt), { nil: undefined });
const record = fc.record({
  key: text,
  value: fc.uint8Array(),
  expiryMs: fc.oneof(fc.constant(0n), fc.bigInt({ min: -5n, max: 1_000n })),
  metadata: fc.oneof(fc.constant({}), fc.dictionary(text, fc.record({ type: text, value: text }))),
});
const work = fc.oneof(
  fc.record({ key: text, options }).map((value) => ({ case: "read" as const, value })),
  fc
    .record({ key: text, options: fc.record({ database: text, prefix: fc.boolean() }) })
    .map((value) => ({ case: "read" as const, value })),
  fc.record({ record, options, expectedRevision: revision }).map((value) => ({ case: "write" as const, value })),
  fc.record({ key: text, options, expectedRevision: revision }).map((value) => ({ case: "delete" as const, value })),
  fc.record({ options }).map((value) => ({ case: "batch" as const, value })),
  fc.constant({ case: undefined }),
);

/** A task in plain values as the library says it. */
function toWork(task: StoreTask): unknown {
  if (task.kind === "other") return task.work;
  const { kind, scope, key } = task;
  const expected =
    kind === "read" || task.expectedRevision === undefined ? {} : { expectedRevision: BigInt(task.expectedRevision) };
  const value = kind === "write" ? { record: { key, value: new Uint8Array(task.value) } } : { key };
  return { case: kind, value: { ...value, options: scope, ...expected } };
}

describe("decodeTasks()", () => {
  it("reads what the library writes", () => {
    const property = fc.property(fc.array(work), (works) => {
      const bytes = request.binary.encode({ tasks: works.map((each) => ({ work: each })) });
      const expected = request.binary.decode(bytes).tasks.map((each) => each.work);
      const read = decodeTasks(bytes);
      expect(read).toHaveLength(works.length);
      for (const [index, task] of read.entries()) {
        const given = expected[index];
        if (task.kind === "other") expect(task.work).toEqual(given as typeof task.work);
        // What the options leave open is filled in.
        else expect(given).toMatchObject(withoutDefaults(toWork(task), given));
      }
    });
    fc.assert(property, { numRuns: 500 });
  });

  it("reads the usual tasks by hand and leaves the others to the library", () => {
    const where = { database: "shop", table: "orders" };
    const bytes = request.binary.encode({
      tasks: [
        { work: { case: "read", value: { key: "a", options: where } } },
        { work: { case: "write", value: { record: { key: "a" }, options: where, expectedRevision: 0n } } },
        { work: { case: "delete", value: { key: "a", options: where } } },
        { work: { case: "read", value: { key: "a", options: { ...where, prefix: true } } } },
        { work: { case: "write", value: { record: { key: "a", expiryMs: 5n }, options: where } } },
        { work: { case: "batch", value: {} } },
      ],
    });
    const tasks = decodeTasks(bytes);
    expect(tasks.map((each) => each.kind)).toEqual(["read", "write", "delete", "other", "other", "other"]);
    expect(tasks[1]).toEqual({ kind: "write", scope: where, key: "a", value: new Uint8Array(0), expectedRevision: 0 });
  });

  it("refuses bytes that are none", () => {
    const property = fc.property(fc.uint8Array(), (given) => {
      try {
        decodeTasks(given);
      } catch (reason) {
        expect(reason).toMatchObject({ code: "invalid_argument" });
      }
    });
    fc.assert(property, { numRuns: 1_000 });
  });
});

describe("encodeOutcomes()", () => {
  it("writes what the library writes", () => {
    const kept: fc.Arbitrary<StoreRecord> = fc
      .record({
        key: text,
        value: fc.uint8Array(),
        revision: fc.maxSafeNat(),
        metadata: fc.oneof(fc.constant({}), fc.dictionary(text, text)),
        expiresAtMs: fc.nat(),
      })
      .map(({ expiresAtMs, ...rest }) => (expiresAtMs % 2 === 0 ? rest : { ...rest, expiresAtMs }));
    const outcome: fc.Arbitrary<TaskOutcome> = fc.oneof(
      kept.map((each) => ({ kind: "read" as const, record: each, nowMs: 1_000 })),
      fc.maxSafeNat().map((each) => ({ kind: "written" as const, revision: each })),
      fc.constant({ kind: "deleted" as const }),
      fc.record({ kind: fc.constant("failed" as const), code: fc.nat({ max: 599 }), detail: text }),
      fc.constant({ kind: "other" as const, result: emptyBatch }),
    );
    const property = fc.property(fc.array(outcome), (given) => {
      const outcomes = response.binary.decode(encodeOutcomes(given)).outcomes;
      expect(outcomes).toEqual(
        response.binary.decode(response.binary.encode({ outcomes: given.map(toOutcome) })).outcomes,
      );
    });
    fc.assert(property);
  });
});

const emptyBatch: Outcome["result"] = { case: "batch", value: { $typeName: "store.BatchResponse", revisions: [] } };

/** The expectation with what the request left open as it was sent. */
function withoutDefaults(expected: unknown, given: unknown): object {
  const { value, ...rest } = expected as { readonly value: { readonly options: object } };
  const sent = (
    given as { readonly value: { readonly options: { readonly database: string; readonly table: string } } }
  ).value.options;
  return { ...rest, value: { ...value, options: { database: sent.database, table: sent.table } } };
}
