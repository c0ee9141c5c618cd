import { describe, expect, it } from "bun:test";
import { formatPeer, peerHost } from "./peer-address.ts";

describe("peerHost()", () => {
  it("is the same for every connection of a host", () => {
    for (const remoteAddress of ["10.0.0.1", "::1", "2001:db8::5"]) {
      const hosts = [1, 65_535].map((remotePort) => peerHost(formatPeer({ remoteAddress, remotePort })));
      expect(new Set(hosts).size).toBe(1);
      expect(hosts[0]).toContain(remoteAddress);
    }
    expect(peerHost(formatPeer(undefined))).toBe("unix");
  });
});
