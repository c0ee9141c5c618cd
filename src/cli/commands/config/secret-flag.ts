import type { FlagSpec } from "#cli/arguments/flag-spec.ts";

/** For commands that read. */
export const showSecretFlag: FlagSpec = { name: "secret", short: "s", kind: "bool", help: "show secrets" };
