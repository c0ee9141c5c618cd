import { MicroError } from "./error.ts";
import { limits } from "./limits.ts";

/** What a name is used for; appears in the message of a refusal. */
export type NameKind =
  | "service"
  | "version"
  | "namespace"
  | "account"
  | "rule"
  | "database"
  | "table"
  | "environment"
  | "topic"
  | "group"
  | "index";

const patterns: Readonly<Record<NameKind, RegExp>> = {
  service: /^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$/,
  version: /^[A-Za-z0-9]([A-Za-z0-9._/+-]*[A-Za-z0-9])?$/,
  namespace: /^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$/,
  account: /^[A-Za-z0-9]([A-Za-z0-9._@+:-]*[A-Za-z0-9])?$/,
  rule: /^[A-Za-z0-9]([A-Za-z0-9._:-]*[A-Za-z0-9])?$/,
  database: /^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$/,
  table: /^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$/,
  environment: /^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$/,
  topic: /^[A-Za-z0-9]([A-Za-z0-9._/:-]*[A-Za-z0-9])?$/,
  group: /^[A-Za-z0-9]([A-Za-z0-9._:-]*[A-Za-z0-9])?$/,
  index: /^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$/,
};

const lengthsMax: Partial<Readonly<Record<NameKind, number>>> = { topic: limits.topicLengthMax };

/** True when `value` may be used as such a name. `..` is never part of one. */
export function isName(kind: NameKind, value: string): boolean {
  return (
    value.length <= (lengthsMax[kind] ?? limits.nameLengthMax) && patterns[kind].test(value) && !value.includes("..")
  );
}

/** `value` itself. @throws MicroError `invalid_argument` when it may not be used as such a name. */
export function requireName(kind: NameKind, value: string): string {
  if (isName(kind, value)) return value;
  const shown = value.length > 40 ? `${value.slice(0, 40)}…` : value;
  throw new MicroError(
    "invalid_argument",
    value === ""
      ? `${kind} name is missing`
      : `"${shown}" is not a ${kind} name: use letters, digits, dots and dashes, at most ${lengthsMax[kind] ?? limits.nameLengthMax}`,
  );
}
