import type { ConnectBytes } from "#rpc/byte-socket.ts";

/** Node's own HTTP/2 is as fast as what could be built over its sockets. */
export const connectBytes: ConnectBytes | undefined = undefined;
