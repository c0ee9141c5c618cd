import type { StoreScope } from "#interface/store.ts";

/** Where the runtime keeps what was declared and which sources there are. */
export const runtimeScope: StoreScope = { database: "micro", table: "runtime" };
