import { delay } from "#base/lifecycle.ts";
import { collectSource, type SourceFile } from "#cli/source/collect-source.ts";
import { stat } from "node:fs/promises";
import { FolderWatch } from "./folder-watch.ts";

/** An editor writes several files, or one in several steps; what comes within this time is one change. */
const settleMs = 60;
const settleMaxMs = 600;

/** Paths that changed, for a person. */
export type SourceChange = readonly string[];

interface KnownFile {
  readonly stamp: string;
  readonly hash: bigint | number;
}

/**
 * What changes in a source: one item for each burst of changes to files that belong to it, until `signal` aborts. A file
 * that was only touched has not changed. The source counts from the first call of `next()` on; changes that come while the
 * reader is busy are one item.
 */
export async function* sourceChanges(folder: string, signal: AbortSignal): AsyncGenerator<SourceChange> {
  let isTouched = false;
  let wake: (() => void) | undefined;
  const watch = new FolderWatch(folder, () => {
    isTouched = true;
    wake?.();
  });
  try {
    await watch.refresh();
    let known = await readFiles(folder, new Map());
    while (!signal.aborted) {
      if (!isTouched) {
        const touched = new AbortController();
        wake = () => touched.abort();
        await delay(maxWaitMs, AbortSignal.any([signal, touched.signal]));
        wake = undefined;
        if (!isTouched) continue;
      }
      await settle(signal, () => {
        const wasTouched = isTouched;
        isTouched = false;
        return wasTouched;
      });
      const next = await readFiles(folder, known);
      const changed = differences(known, next);
      known = next;
      // Whoever waits for the change need not wait for this.
      const refreshed = watch.refresh();
      if (changed.length > 0 && !signal.aborted) yield changed;
      if (await refreshed) isTouched = true;
    }
  } finally {
    await watch.stop();
  }
}

/** A timer cannot be longer; what happens when it fires is nothing. */
const maxWaitMs = 2 ** 31 - 1;

/** Waits until nothing was touched for a while, but not for ever: some programs write all the time. */
async function settle(signal: AbortSignal, wasTouched: () => boolean): Promise<void> {
  for (let waitedMs = 0; wasTouched() && waitedMs < settleMaxMs && !signal.aborted; waitedMs += settleMs) {
    await delay(settleMs, signal);
  }
}

/** The files with what tells their content apart; those that look as before are not read again. */
async function readFiles(folder: string, known: ReadonlyMap<string, KnownFile>): Promise<Map<string, KnownFile>> {
  const files = new Map<string, KnownFile>();
  // A folder that is away for a moment, or empty, is no source: the next change may mend that.
  const collected = await collectSource(folder).catch((): readonly SourceFile[] => []);
  for (const { path, absolutePath, isExecutable } of collected) {
    const found = await stat(absolutePath).catch(() => undefined);
    if (found === undefined) continue;
    const stamp = `${found.size} ${found.mtimeMs} ${found.ino} ${isExecutable}`;
    const before = known.get(path);
    if (before?.stamp === stamp) files.set(path, before);
    else files.set(path, { stamp, hash: await hashFile(absolutePath, isExecutable) });
  }
  return files;
}

async function hashFile(path: string, isExecutable: boolean): Promise<bigint | number> {
  const content = await Bun.file(path)
    .bytes()
    .catch(() => new Uint8Array(0));
  return Bun.hash(content, isExecutable ? 1 : 0);
}

function differences(before: ReadonlyMap<string, KnownFile>, after: ReadonlyMap<string, KnownFile>): string[] {
  const paths = new Set([...before.keys(), ...after.keys()]);
  return [...paths].filter((path) => before.get(path)?.hash !== after.get(path)?.hash).toSorted();
}
