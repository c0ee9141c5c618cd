import { MicroError } from "#base/error.ts";
import type { Logger } from "#base/logger.ts";
import type { HttpListener } from "#rpc/http-exchange.ts";
import { listenPart } from "./listen-part.ts";
import type { OwnedParts } from "./owned-parts.ts";

/** A further port on which every core service answers, because clients of Micro expect one of them there. */
export interface CorePort {
  /** `--registry-address` or `--broker-address`. */
  readonly flag: string;
  readonly address: string;
  /** True when somebody asked for this address: then the server does not start without it. */
  readonly isAskedFor: boolean;
}

/**
 * Listens on a core port; undefined where it is switched off, and where the default address belongs to another program, which is said in the log: a
 * second server on a machine, or one beside something else on port 8000, lacks nothing but old habits of clients.
 *
 * @throws MicroError for an address that was asked for and cannot be had.
 */
export async function listenCorePort(
  port: CorePort | undefined,
  {
    open,
    parts,
    logger,
  }: {
    readonly open: (address: string) => () => Promise<HttpListener>;
    readonly parts: OwnedParts;
    readonly logger: Logger;
  },
): Promise<string | undefined> {
  if (port === undefined) return undefined;
  const { flag, address, isAskedFor } = port;
  try {
    return parts.own(await listenPart(flag, open(address))).address;
  } catch (reason) {
    const error = MicroError.from(reason);
    if (isAskedFor || error.code !== "conflict") throw error;
    logger.warn("a port that clients of Micro may look for is not served", { reason: error.detail });
    return undefined;
  }
}
