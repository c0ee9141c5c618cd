import { startServer } from "#testing/start-server.ts";
import { spawnMicro } from "#testing/spawn-command.ts";
import { createTempFolder } from "#testing/temp-folder.ts";
import { waitUntil } from "#testing/wait-until.ts";
import { median, round, type BenchRow } from "./bench-row.ts";

const rounds = 9;

function program(word: string): string {
  return `import { service, z } from "micro-ts";
const one = service("one");
one.endpoint("One.Ask", {
  request: z.object({}),
  response: z.object({ word: z.string() }),
  handle: () => ({ word: "${word}" }),
});
await one.run();
`;
}

/** A start of a process that does nothing but answer, to its first answer. */
async function startBare(folder: string): Promise<number> {
  const path = `${folder}/bare.ts`;
  await Bun.write(
    path,
    'const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("up") }); console.log(server.port);',
  );
  const startMs = performance.now();
  const child = Bun.spawn([process.execPath, path], { stdout: "pipe" });
  const { value } = await child.stdout.getReader().read();
  await fetch(`http://127.0.0.1:${new TextDecoder().decode(value).trim()}/`);
  const tookMs = performance.now() - startMs;
  child.kill();
  await child.exited;
  return tookMs;
}

/** From the change of a file under `micro run --watch` to the first answer of the new source. */
export async function bench(): Promise<readonly BenchRow[]> {
  await using server = await startServer();
  await using folder = await createTempFolder();
  const ask = async (): Promise<string> => {
    const answer = await fetch(`http://${server.addresses.gateway}/one/Ask`, { method: "POST", body: "{}" });
    return answer.text();
  };
  await Bun.write(`${folder.path}/one/index.ts`, program("start"));
  await using watching = spawnMicro(["run", "--watch", `${folder.path}/one`], server.env);
  const runs = (): number => watching.stderr().split("one is running").length - 1;
  const times: number[] = [];
  const bare: number[] = [];
  for (let index = 0; index < rounds; index += 1) {
    await waitUntil("the change before is done", () => runs() === index + 1);
    const startMs = performance.now();
    await Bun.write(`${folder.path}/one/index.ts`, program(`word ${index}`));
    await waitUntil("the new source answers", async () => (await ask()).includes(`word ${index}`));
    times.push(performance.now() - startMs);
    bare.push(await startBare(folder.path));
  }
  const changeMs = median(times);
  const bareMs = median(bare);
  return [
    {
      question: "a changed file under micro run --watch to the new answer",
      ours: `${round(changeMs, 0)} ms`,
      baseline: `${round(bareMs, 0)} ms, start of a bare Bun server`,
      ratio: round(changeMs / bareMs, 1),
      target: "≤ 1000 ms",
      isMet: changeMs <= 1_000,
    },
  ];
}
