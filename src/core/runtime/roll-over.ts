import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import type { Instance, StopOptions } from "./instance.ts";

export interface RollOverOptions {
  /** Instances that stay, as far as they are needed. */
  readonly kept: readonly Instance[];
  /** Instances that go. */
  readonly old: readonly Instance[];
  /** How many there are to be. */
  readonly count: number;
  /** Makes instances of the new, not started. */
  readonly create: (count: number) => readonly Instance[];
  /** Makes the change durable; called when all of the new answers, before the last of the old goes. */
  readonly commit: () => Promise<void>;
  /** Told whenever one of both changes. @param passing those that come or go. */
  readonly onStep: (serving: readonly Instance[], passing: readonly Instance[]) => void;
}

/**
 * Replaces instances a few at a time: each new one answers before an old one goes, so that there are never fewer than
 * before, and never more than limits.updateStepCount besides.
 *
 * @returns the instances that serve now.
 * @throws MicroError with the reason when a new one does not answer; those that came are gone then, and of the old there
 *   are those that `onStep` was told last.
 */
export async function rollOver(options: RollOverOptions): Promise<readonly Instance[]> {
  const { count, create, commit, onStep } = options;
  const staying = options.kept.slice(0, count);
  const surplus = options.kept.slice(count);
  const fresh: Instance[] = [];
  let old = options.old;
  for (;;) {
    const batch = create(Math.min(count - staying.length - fresh.length, limits.updateStepCount));
    onStep([...staying, ...surplus, ...fresh, ...old], batch);
    const isLast = staying.length + fresh.length + batch.length >= count;
    try {
      await startAll(batch);
      if (isLast) await commit();
    } catch (reason) {
      const passing = [...fresh, ...batch];
      onStep([...staying, ...surplus, ...old], passing);
      await stopInstances(passing);
      onStep([...staying, ...surplus, ...old], []);
      throw MicroError.from(reason);
    }
    fresh.push(...batch);
    const leaving = isLast ? [...old, ...surplus] : old.slice(0, batch.length);
    old = isLast ? [] : old.slice(batch.length);
    const serving = [...staying, ...fresh, ...old];
    onStep(isLast ? serving : [...serving, ...surplus], leaving);
    await stopInstances(leaving);
    if (isLast) return serving;
  }
}

/** @throws MicroError `failed_precondition` when one of them does not answer. */
export async function startAll(instances: readonly Instance[]): Promise<void> {
  for (const each of instances) each.start();
  for (const each of instances) {
    const first = await each.firstStart;
    if (first.kind === "failed") throw new MicroError("failed_precondition", first.error);
  }
}

export async function stopInstances(instances: readonly Instance[], options?: StopOptions): Promise<void> {
  await Promise.all(instances.map((each) => each.stop(options)));
}
