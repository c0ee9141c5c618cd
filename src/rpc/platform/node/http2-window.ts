import type { Http2Session } from "node:http2";
import { limits } from "#base/limits.ts";

/**
 * Widens what a peer may send ahead on a whole connection. Node gives it back only when the bytes are read, so with its
 * default of 64 KiB one stream that is paused halts all others.
 */
export function widenConnectionWindow(session: Http2Session): void {
  session.setLocalWindowSize(limits.http2ConnectionWindowBytes);
}
