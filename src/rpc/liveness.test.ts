import { describe, expect, it } from "bun:test";
import { Liveness } from "./liveness.ts";

function createWatched(): { liveness: Liveness; peer: { bytes: number; pings: number; answer: () => void } } {
  const peer = { bytes: 0, pings: 0, answer: () => undefined as void };
  const connection = {
    bytesRead: () => peer.bytes,
    ping: (onPong: () => void) => {
      peer.pings += 1;
      peer.answer = () => {
        peer.bytes += 17;
        onPong();
      };
    },
  };
  return { liveness: new Liveness(connection, { silencesMs: [100, 300], timeoutMs: 50 }, 0), peer };
}

describe("Liveness.check()", () => {
  it("asks after silence, and is false when no answer comes in time", () => {
    const { liveness, peer } = createWatched();
    expect([liveness.check(99), peer.pings]).toEqual([true, 0]);
    expect([liveness.check(100), peer.pings]).toEqual([true, 1]);
    expect(liveness.check(150)).toBe(true);
    expect(liveness.check(151)).toBe(false);
  });

  it("asks ever more rarely a peer that does nothing but answer", () => {
    const { liveness, peer } = createWatched();
    const askedAtMs: number[] = [];
    for (let nowMs = 0; nowMs <= 1_300; nowMs += 10) {
      const before = peer.pings;
      expect(liveness.check(nowMs)).toBe(true);
      if (peer.pings === before) continue;
      askedAtMs.push(nowMs);
      peer.answer();
    }
    expect(askedAtMs).toEqual([100, 300, 600, 900, 1_200]);
  });

  it("takes any bytes for a sign of life, and asks nobody from whom nothing is waited for", () => {
    const { liveness, peer } = createWatched();
    liveness.check(100);
    peer.bytes += 1;
    expect(liveness.check(1_000)).toBe(true);
    expect([liveness.check(1_099), peer.pings]).toEqual([true, 1]);
    liveness.rest(2_000);
    expect([liveness.check(2_099), peer.pings]).toEqual([true, 1]);
  });
});
