import { CommandError } from "./command-error.ts";
import { MicroError } from "#base/error.ts";
import { requireName, type NameKind } from "#base/name.ts";

/** `value` itself. @throws CommandError when it may not be used as such a name. */
export function checkName(kind: NameKind, value: string): string {
  try {
    return requireName(kind, value);
  } catch (reason) {
    throw new CommandError(MicroError.from(reason).detail, { cause: reason });
  }
}
