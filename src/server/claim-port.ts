import { MicroError } from "#base/error.ts";
import { delay } from "#base/lifecycle.ts";
import { listenNet } from "#rpc/net-listener.ts";

/** A look at a port that workers of a server which is gone are about to leave, in milliseconds. */
const lookIntervalMs = 20;

/**
 * Makes sure that an address is nobody else's. Processes that share a port are given it by the system whoever they are, so
 * that a second server on it would take half of the calls in silence.
 *
 * @param patienceMs how long to wait for whoever has it.
 * @throws MicroError as `listenNet()` does.
 */
export async function claimPort(address: string, patienceMs: number): Promise<void> {
  const untilMs = performance.now() + patienceMs;
  for (;;) {
    try {
      const listener = await listenNet(
        { address },
        () =>
          ({ socket }) =>
            void socket.destroy(),
      );
      return await listener.stop(0);
    } catch (reason) {
      if (MicroError.from(reason).code !== "conflict" || performance.now() > untilMs) throw reason;
    }
    await delay(lookIntervalMs);
  }
}
