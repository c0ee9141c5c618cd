import type { z } from "zod";
import { limits } from "#base/limits.ts";

/** More than this many wrong fields are counted, not listed: the first ones are what a person reads. */
const issueCountMax = 8;

/** What is wrong with a value, on one line that names each field: `name: expected string, got object; age: …`. */
export function describeIssues(issues: readonly z.core.$ZodIssue[], value: unknown): string {
  const lines = issues.slice(0, issueCountMax).map((issue) => describeIssue(issue, value));
  if (issues.length > issueCountMax) lines.push(`and ${issues.length - issueCountMax} more`);
  const text = lines.join("; ");
  return text.length <= limits.errorDetailBytesMax ? text : `${text.slice(0, limits.errorDetailBytesMax - 1)}…`;
}

function describeIssue(issue: z.core.$ZodIssue, value: unknown): string {
  const text = issueText(issue, valueAt(value, issue.path));
  return issue.path.length === 0 ? text : `${formatPath(issue.path)}: ${text}`;
}

function issueText(issue: z.core.$ZodIssue, got: unknown): string {
  if (issue.code === "invalid_type") {
    return got === undefined
      ? `expected ${issue.expected}, got nothing`
      : `expected ${issue.expected}, got ${kindOf(got)}`;
  }
  const text = issue.message.startsWith("Invalid input: ")
    ? issue.message.slice("Invalid input: ".length)
    : issue.message;
  return text.charAt(0).toLowerCase() + text.slice(1).replaceAll("\n", " ");
}

/** `user.emails[2]`. */
function formatPath(path: readonly PropertyKey[]): string {
  let text = "";
  for (const part of path) {
    if (typeof part === "number") text += `[${part}]`;
    else text += text === "" ? String(part) : `.${String(part)}`;
  }
  return text;
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let current = value;
  for (const part of path) {
    if (typeof current !== "object" || current === null || !Object.hasOwn(current, part)) return undefined;
    current = Reflect.get(current, part);
  }
  return current;
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  return typeof value;
}
