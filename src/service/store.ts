/** Entry point `micro-ts/store`: records by key. */
export type { Origin } from "./caller.ts";
