import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { parseTopicPattern } from "./topic-pattern.ts";
import { TopicTree } from "./topic-tree.ts";

const word = fc.constantFrom("a", "b", "c", "a/b", "1:2");
const topic = fc.array(word, { minLength: 1, maxLength: 5 }).map((words) => words.join("."));
const patternWord = fc.oneof(word, fc.constant("*"));
const pattern = fc
  .tuple(fc.array(patternWord, { maxLength: 4 }), fc.constantFrom(">", "*", "a"))
  .map(([words, last]) => [...words, last].join("."));

/** The same as the tree says, one pattern at a time. */
function fits(pattern: string, topic: string): boolean {
  const form = pattern
    .split(".")
    .map((each) => (each === "*" ? "[^.]+" : each === ">" ? ".+" : each))
    .join("\\.");
  return new RegExp(`^${form}$`).test(topic);
}

describe("TopicTree.match()", () => {
  it("finds exactly the patterns that fit, also after some were taken out", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(pattern, fc.boolean())), fc.array(topic), (patterns, topics) => {
        const tree = new TopicTree<number>();
        patterns.forEach(([text], index) => tree.add(text.split("."), index));
        patterns.forEach(([text, isKept], index) => isKept || tree.remove(text.split("."), index));
        for (const each of topics) {
          const found = new Set<number>();
          tree.match(each, (item) => found.add(item));
          const expected = patterns.flatMap(([text, isKept], index) => (isKept && fits(text, each) ? [index] : []));
          expect([...found].toSorted((a, b) => a - b)).toEqual(expected);
        }
        patterns.forEach(([text], index) => tree.remove(text.split("."), index));
        expect(tree.isEmpty).toBe(true);
      }),
    );
  });

  it("calls once for each item", () => {
    const tree = new TopicTree<string>();
    tree.add(["a", ">"], "x");
    tree.add(["a", "*"], "y");
    const found: string[] = [];
    tree.match("a.b", (item) => found.push(item));
    expect(found.toSorted()).toEqual(["x", "y"]);
  });
});

describe("parseTopicPattern()", () => {
  it("takes every topic and every pattern of its words", () => {
    fc.assert(
      fc.property(fc.oneof(topic, pattern), (text) => {
        expect(parseTopicPattern(text).text).toBe(text);
      }),
    );
  });

  it("refuses everything else with a message of one line, and never fails otherwise", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          const { words } = parseTopicPattern(text);
          expect(words.slice(0, -1)).not.toContain(">");
          expect(words).not.toContain("");
        } catch (reason) {
          expect(reason).toMatchObject({ code: "invalid_argument" });
        }
      }),
    );
  });
});
