/** Entry point `micro-ts/blob`: large values by key, streamed. */
export type { Origin } from "./caller.ts";
