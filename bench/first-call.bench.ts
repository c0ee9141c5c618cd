import { startServer } from "#testing/start-server.ts";
import { median, round, type BenchRow } from "./bench-row.ts";

const rounds = 5;
const example = new URL("../examples/helloworld", import.meta.url).pathname;

/** From `micro run FOLDER` to the first answered call, commands and all. */
export async function bench(): Promise<readonly BenchRow[]> {
  await using server = await startServer();
  const times: number[] = [];
  for (let index = 0; index < rounds; index += 1) {
    const startMs = performance.now();
    const run = await server.micro(["run", example]);
    if (run.code !== 0) throw new Error(`micro run failed: ${run.stderr}${run.stdout}`);
    const call = await fetch(`http://${server.addresses.gateway}/helloworld/Call?name=John`);
    if (call.status !== 200) throw new Error(`the first call failed: ${await call.text()}`);
    times.push(performance.now() - startMs);
    await server.micro(["kill", "helloworld"]);
  }
  const firstCallMs = median(times);
  return [
    {
      question: "micro run of a TypeScript folder to its first answered call",
      ours: `${round(firstCallMs, 0)} ms`,
      baseline: "-",
      ratio: "-",
      target: "≤ 1000 ms",
      isMet: firstCallMs <= 1_000,
    },
  ];
}
