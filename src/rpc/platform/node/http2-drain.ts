/** Node goes on by itself with a stream that was held up. */
export { drained as awaitDrain } from "#rpc/drained.ts";
