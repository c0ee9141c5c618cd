/** Entry point `micro-ts/broker`: messages to whoever listens. */
export type { Origin } from "./caller.ts";
