import type { Http2Session } from "node:http2";

/**
 * Widens what a peer may send ahead on a whole connection.
 *
 * Nothing to do on Bun: it gives the connection's window back as soon as bytes arrive. To ask for another size makes it
 * hold back the windows of streams that were paused, which then never go on.
 */
export function widenConnectionWindow(_session: Http2Session): void {}
