import { runHeadCount, type PackedRun, type PackedWrites } from "./log-message.ts";

/** The runs of packed writes, write by write, as `LogPacker` put them among the bytes. */
export function* readRuns(writes: PackedWrites, bytes: Uint8Array): Generator<readonly PackedRun[], void> {
  const { headsAt, writeCount } = writes;
  const heads = new Uint32Array(bytes.buffer, bytes.byteOffset + headsAt, (bytes.byteLength - headsAt) / 4);
  let at = 0;
  for (let write = 0; write < writeCount; write += 1) {
    const runs: PackedRun[] = [];
    const runCount = heads[at] ?? 0;
    at += 1;
    for (; runs.length < runCount; at += runHeadCount) runs.push(readRun(heads, at));
    yield runs;
  }
}

function readRun(heads: Uint32Array, at: number): PackedRun {
  return {
    topicIndex: heads[at] ?? 0,
    start: heads[at + 1] ?? 0,
    recordBytes: heads[at + 2] ?? 0,
    contentBytes: heads[at + 3] ?? 0,
    count: heads[at + 4] ?? 0,
    hasId: heads[at + 5] === 1,
  };
}
