import type { ServerAddresses } from "#base/home.ts";

export interface AnnouncedServer {
  readonly addresses: ServerAddresses;
  /** True when the gateway speaks HTTPS. */
  readonly isSecure: boolean;
  readonly home: string;
  readonly version: string;
  /** Present at the first start only. */
  readonly administrator?: { readonly id: string; readonly secret: AnnouncedSecret };
}

/** `chosen`: whoever starts the server knows it. `hidden`: others may read what is printed. */
export type AnnouncedSecret =
  | { readonly kind: "shown"; readonly secret: string }
  | { readonly kind: "chosen" }
  | { readonly kind: "hidden" };

/** The lines that `micro server` prints when it stands: one an address, the secret once, then `ready`. */
export function announceServer(server: AnnouncedServer): string[] {
  const { addresses, administrator } = server;
  return [
    `micro ${server.version}, home ${server.home}`,
    `gateway        ${server.isSecure ? "https" : "http"}://${addresses.gateway}`,
    `proxy          ${addresses.proxy}`,
    `network        ${addresses.network}`,
    ...(addresses.registry === undefined ? [] : [`registry       ${addresses.registry}`]),
    ...(addresses.broker === undefined ? [] : [`broker         ${addresses.broker}`]),
    ...(administrator === undefined ? [] : announceAdministrator(administrator)),
    "ready",
  ];
}

function announceAdministrator({ id, secret }: NonNullable<AnnouncedServer["administrator"]>): string[] {
  if (secret.kind === "chosen") return [`administrator  ${id}  with the secret of MICRO_ADMIN_SECRET`];
  if (secret.kind === "hidden") {
    return [
      `administrator  ${id}  its secret is not shown here: give it one with "micro auth update secret ${id}"`,
      "               on this machine you are logged in already",
    ];
  }
  return [
    `administrator  ${id}  secret ${secret.secret}`,
    "               shown once, keep it; on this machine you are logged in already",
  ];
}
