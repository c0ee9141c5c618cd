/** Entry point `micro-ts/events`: durable ordered topics. */
export type { Origin } from "./caller.ts";
