import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { MicroError } from "#base/error.ts";
import { isRecord, type JsonValue } from "#base/json.ts";
import { mergeAt, removeAt, takeBack, touches, type SealOptions, type TreeChange } from "./change-tree.ts";
import { findNode, writeMask, writeNode, type ConfigNode } from "./config-node.ts";
import { isRelated, parsePath } from "./config-path.ts";
import { decodeNode, decodeUndo, encodeNode, encodeUndo } from "./node-codec.ts";
import { parseJson } from "./parse-json.ts";

const refused = Symbol("refused");
const plain: SealOptions = { isSecret: false, seal: () => "" };
const key = fc.constantFrom("a", "b", "c", "__proto__", "constructor", "0");
const words = fc.array(key, { maxLength: 4 });
const leaf = fc.constantFrom<JsonValue>("text", 1, true, null, [], [1]);
const { value } = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    leaf,
    fc.array(fc.tuple(key, tie("value")), { maxLength: 3 }).map((fields) => Object.fromEntries(fields)),
  ),
}));
type Step = { readonly path: readonly string[]; readonly value: JsonValue | undefined };
const step: fc.Arbitrary<Step> = fc.record({ path: words, value: fc.option(value, { nil: undefined }) });

describe("mergeAt() and removeAt()", () => {
  it("do what the same changes do to plain objects", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        let root: ConfigNode | undefined;
        let model: Model;
        for (const each of steps) {
          const expected = applyToModel(model, each);
          const change = attempt(root, each);
          expect(change === refused).toBe(expected === refused);
          if (change === refused || expected === refused) continue;
          root = change === undefined ? root : change.root;
          model = expected;
          expect(toText(root)).toBe(
            toText(model === undefined ? undefined : parseJson(JSON.stringify(toPlain(model)))),
          );
        }
      }),
      { numRuns: 500 },
    );
  });

  it("can be taken back, after their undos were on disk", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const changes: { before: string; change: TreeChange }[] = [];
        let root: ConfigNode | undefined;
        for (const each of steps) {
          const change = attempt(root, each);
          if (change === refused || change === undefined) continue;
          changes.push({ before: toText(root), change });
          root = change.root === undefined ? undefined : decodeNode(throughDisk(encodeNode(change.root)));
        }
        for (const { before, change } of changes.reverse()) {
          root = takeBack(root, decodeUndo(throughDisk(encodeUndo(change.undo))));
          expect(toText(root)).toBe(before);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("touch every path where something is different afterwards", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 8 }), words, (steps, path) => {
        let root: ConfigNode | undefined;
        for (const each of steps) {
          const change = attempt(root, each);
          if (change === refused || change === undefined) continue;
          const isSame = toText(findNode(root, path)) === toText(findNode(change.root, path));
          expect(isSame || touches(change.undo, path)).toBe(true);
          root = change.root;
        }
      }),
      { numRuns: 500 },
    );
  });

  it("do nothing to the prototypes of objects", () => {
    mergeAt(undefined, ["__proto__", "polluted"], parseJson("1"), plain);
    mergeAt(undefined, [], parseJson('{"__proto__":{"polluted":1}}'), plain);
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });
});

describe("parsePath()", () => {
  it("gives back the words that were joined, and refuses all else", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 5 }), { maxLength: 6 }), (parts) => {
        const path = parts.join(".");
        const isGood = path === "" || path.split(".").every((each) => each !== "");
        if (isGood) expect(parsePath(path).join(".")).toBe(path);
        else expect(() => parsePath(path)).toThrow("empty word");
      }),
    );
  });

  it("is related to the paths above and below, and to no other", () => {
    expect(isRelated(["a"], ["a", "b"])).toBe(true);
    expect(isRelated(["a", "b"], [])).toBe(true);
    expect(isRelated(["a", "b"], ["a", "c"])).toBe(false);
    expect(isRelated(["ab"], ["a"])).toBe(false);
  });

  it("shows a path on one line in its refusal", () => {
    expect(() => parsePath("a\nb..c")).toThrow('path "a\\nb..c" has an empty word');
  });
});

type Model = JsonMap | JsonValue | undefined;
type JsonMap = Map<string, Model>;

/** The same document, as maps: what a merge means in the plainest words. */
function applyToModel(model: Model, { path, value }: Step): Model | typeof refused {
  const [word, ...rest] = path;
  if (word === undefined) return value === undefined ? undefined : mergeModel(model, value);
  if (!(model instanceof Map)) {
    if (value === undefined) return model;
    if (model !== undefined) return refused;
  }
  const map = new Map(model instanceof Map ? model : []);
  const inner = applyToModel(map.get(word), { path: rest, value });
  if (inner === refused) return refused;
  if (inner === undefined) map.delete(word);
  else map.set(word, inner);
  return map.size === 0 && model === undefined ? undefined : map;
}

function mergeModel(model: Model, value: JsonValue): Model {
  if (!isRecord(value)) return value;
  const map: JsonMap = new Map(model instanceof Map ? model : []);
  for (const [field, each] of Object.entries(value)) map.set(field, mergeModel(map.get(field), each));
  return map;
}

function toPlain(model: Model): unknown {
  return model instanceof Map ? Object.fromEntries([...model].map(([field, each]) => [field, toPlain(each)])) : model;
}

function attempt(root: ConfigNode | undefined, { path, value }: Step): TreeChange | undefined | typeof refused {
  if (value === undefined) return removeAt(root, path);
  try {
    return mergeAt(root, path, parseJson(JSON.stringify(value)), plain);
  } catch (reason) {
    expect(MicroError.from(reason).code).toBe("failed_precondition");
    return refused;
  }
}

function toText(node: ConfigNode | undefined): string {
  return node === undefined ? "nothing" : writeNode(node, writeMask);
}

function throughDisk(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
