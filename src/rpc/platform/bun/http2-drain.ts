import type { ServerHttp2Stream } from "node:http2";
import { drained } from "#rpc/drained.ts";

/** About what a caller that reads takes; the wait until the first nudge. */
const nudgeInitialMs = 2;
/** The longest: a caller that does not read is left in peace, and one that reads again still notices nothing. */
const nudgeMaxMs = 250;

/**
 * Resolves when a stream takes more bytes, or is closed.
 *
 * Where one stream of a connection is held up, Bun now and then forgets to go on with the others when the peer makes room
 * (seen on 1.4.5: beside a stream that nobody reads, each long answer stands still). Whatever is sent next on the
 * connection sets them going, so pings are sent while the wait lasts, ever more rarely.
 */
export function awaitDrain(stream: ServerHttp2Stream): Promise<void> {
  let waitMs = nudgeInitialMs;
  let timer: ReturnType<typeof setTimeout>;
  const nudge = (): void => {
    const { session } = stream;
    // A ping on a session that is over would throw.
    if (session !== undefined && !session.destroyed && !session.closed) session.ping(() => undefined);
    waitMs = Math.min(nudgeMaxMs, waitMs * 2);
    timer = setTimeout(nudge, waitMs);
  };
  timer = setTimeout(nudge, waitMs);
  return drained(stream).finally(() => clearTimeout(timer));
}
