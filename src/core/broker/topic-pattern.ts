import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import { requireName } from "#base/name.ts";

/** A topic that a subscriber asks for. */
export interface TopicPattern {
  readonly text: string;
  /** Between the dots; `*` stands for one word, `>` at the end for one or more. Empty where the text is one topic. */
  readonly words: readonly string[];
}

const wordPattern = /^[A-Za-z0-9_/:-]+$/;

/** Reads what a subscriber asks for. @throws MicroError `invalid_argument` that says what a pattern looks like. */
export function parseTopicPattern(text: string): TopicPattern {
  if (!text.includes("*") && !text.includes(">")) return { text: requireName("topic", text), words: [] };
  const words = text.split(".");
  const isGood = words.every(
    (word, index) => word === "*" || (word === ">" ? index === words.length - 1 : wordPattern.test(word)),
  );
  if (isGood && text.length <= limits.topicLengthMax) return { text, words };
  const shown = text.length > 40 ? `${text.slice(0, 40)}…` : text;
  throw new MicroError(
    "invalid_argument",
    `"${shown}" is not a topic pattern: use words between dots, "*" for one word, ">" at the end for one or more, at most ${limits.topicLengthMax} letters`,
  );
}
