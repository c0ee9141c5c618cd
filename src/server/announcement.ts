import type { ServerAddresses } from "#base/home.ts";

export interface AnnouncedServer {
  readonly addresses: ServerAddresses;
  /** True when the gateway speaks HTTPS. */
  readonly isSecure: boolean;
  readonly home: string;
  readonly version: string;
  /** Present at the first start only. */
  readonly administrator?: { readonly id: string; readonly secret: string };
}

/** The lines that `micro server` prints when it stands: one an address, the secret once, then `ready`. */
export function announceServer(server: AnnouncedServer): string[] {
  const { addresses, administrator } = server;
  const secret =
    administrator === undefined
      ? []
      : [
          `administrator  ${administrator.id}  secret ${administrator.secret}`,
          "               shown once, keep it; on this machine you are logged in already",
        ];
  return [
    `micro ${server.version}, home ${server.home}`,
    `gateway        ${server.isSecure ? "https" : "http"}://${addresses.gateway}`,
    `proxy          ${addresses.proxy}`,
    `network        ${addresses.network}`,
    ...(addresses.registry === undefined ? [] : [`registry       ${addresses.registry}`]),
    ...(addresses.broker === undefined ? [] : [`broker         ${addresses.broker}`]),
    ...secret,
    "ready",
  ];
}
