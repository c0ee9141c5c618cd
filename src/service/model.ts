/** Entry point `micro-ts/model`: typed records with indexes, on the store. */
export type { Origin } from "./caller.ts";
