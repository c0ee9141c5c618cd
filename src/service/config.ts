/** Entry point `micro-ts/config`: dynamic values by path. */
export type { Origin } from "./caller.ts";
