import { describe, expect, it } from "bun:test";
import { WorkGate } from "./work-gate.ts";

describe("WorkGate.run()", () => {
  it("runs no more than allowed at a time, in order, and refuses what is above the queue", async () => {
    const gate = new WorkGate({ concurrencyMax: 2, queueCountMax: 3 });
    const started: number[] = [];
    const release = Array.from({ length: 6 }, () => Promise.withResolvers<void>());
    const runs = release.map(({ promise }, index) =>
      gate.run(() => {
        started.push(index);
        return promise;
      }),
    );
    await expect(runs[5]).rejects.toMatchObject({ code: "too_many_requests" });
    expect(started).toEqual([0, 1]);
    release[1]?.resolve();
    release[2]?.resolve();
    await runs[2];
    expect(started.slice(0, 3)).toEqual([0, 1, 2]);
    for (const each of release) each.resolve();
    await Promise.all(runs.slice(0, 5));
    expect(started).toEqual([0, 1, 2, 3, 4]);
  });

  it("gives the place on when work fails", async () => {
    const gate = new WorkGate({ concurrencyMax: 1, queueCountMax: 1 });
    const failing = gate.run(() => Promise.reject(new Error("broken")));
    const next = gate.run(() => Promise.resolve("done"));
    await expect(failing).rejects.toThrow("broken");
    expect(await next).toBe("done");
  });
});
