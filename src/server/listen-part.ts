import { MicroError } from "#base/error.ts";
import type { Stoppable } from "#base/lifecycle.ts";
import { limits } from "#base/limits.ts";
import type { HttpListener } from "#rpc/http-exchange.ts";

/** A listener as a part of the server. @throws MicroError that names the flag that chooses another address. */
export async function listenPart(
  flag: string,
  open: () => Promise<HttpListener>,
): Promise<Stoppable & { readonly address: string }> {
  try {
    const listener = await open();
    return { address: listener.address, stop: () => listener.stop(limits.drainTimeoutMs) };
  } catch (cause) {
    const { code, detail } = MicroError.from(cause);
    throw new MicroError(code, `${detail}; choose another with ${flag}`, { cause });
  }
}
