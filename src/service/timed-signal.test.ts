import { describe, expect, it } from "bun:test";
import { createTimedSignal } from "./timed-signal.ts";

describe("createTimedSignal()", () => {
  it("aborts when the time is up", async () => {
    const { signal } = createTimedSignal(new AbortController().signal, 1);
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    expect(signal.reason).toMatchObject({ code: "timeout" });
  });

  it("aborts with the signal that it was made of, for the same reason", () => {
    const source = new AbortController();
    const { signal, release } = createTimedSignal(source.signal, 60_000);
    source.abort("left");
    expect(signal.reason).toBe("left");
    release();
  });

  it("is aborted from the start when that signal is", () => {
    const { signal, release } = createTimedSignal(AbortSignal.abort("gone"), 60_000);
    expect(signal.aborted).toBe(true);
    release();
  });

  it("follows nothing once it is released", () => {
    const source = new AbortController();
    const { signal, release } = createTimedSignal(source.signal, 60_000);
    release();
    source.abort();
    expect(signal.aborted).toBe(false);
  });
});
