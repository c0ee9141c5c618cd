import type { ServerHttp2Stream } from "node:http2";
import { drained } from "#rpc/drained.ts";

/** Long beside the pause of a caller that reads; short beside what a person notices. */
const nudgeIntervalMs = 250;

/**
 * Resolves when a stream takes more bytes, or is closed.
 *
 * Where several streams of a connection are held up at once, Bun now and then forgets to go on with one of them when the
 * peer makes room (seen on 1.4.5 in one of twenty such trials on a busy machine). Whatever is sent next on the
 * connection sets it going, so a ping is sent while the wait lasts.
 */
export function awaitDrain(stream: ServerHttp2Stream): Promise<void> {
  const nudge = setInterval(() => {
    const { session } = stream;
    // A ping on a session that is over would throw.
    if (session !== undefined && !session.destroyed && !session.closed) session.ping(() => undefined);
  }, nudgeIntervalMs);
  return drained(stream).finally(() => clearInterval(nudge));
}
