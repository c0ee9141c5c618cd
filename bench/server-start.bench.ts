import { rm } from "node:fs/promises";
import { createTempFolder } from "#testing/temp-folder.ts";
import { baseEnvironment } from "#testing/run-command.ts";
import { microCommand } from "#testing/start-server.ts";
import { parseServerFile, resolveHome } from "#base/home.ts";
import { median, round, type BenchRow } from "./bench-row.ts";
import { residentMiB } from "./measure-process.ts";

const rounds = 7;

/** How long from the start of the process to the first authenticated call, and what the idle server weighs. */
export async function bench(): Promise<readonly BenchRow[]> {
  await using folder = await createTempFolder();
  const env = { ...baseEnvironment(), HOME: folder.path, MICRO_HOME: `${folder.path}/m` };
  const first: StartFigures[] = [];
  // The keys of a new home are made of primes that are found by chance, now soon and now late.
  for (let index = 0; index < rounds; index += 1) {
    await rm(env.MICRO_HOME, { recursive: true, force: true });
    first.push(await startOnce(env));
  }
  const warm: StartFigures[] = [];
  for (let index = 0; index < rounds; index += 1) warm.push(await startOnce(env));
  await rm(env.MICRO_HOME, { recursive: true, force: true });
  const firstMs = median(first.map((each) => each.firstCallMs));
  const startMs = median(warm.map((each) => each.firstCallMs));
  const idleMiB = median(warm.map((each) => each.idleMiB));
  return [
    row("server: start to first authenticated call, new home", `${round(firstMs, 0)} ms`, "500 ms", firstMs <= 500),
    row(
      "server: start to first authenticated call, existing home",
      `${round(startMs, 0)} ms`,
      "500 ms",
      startMs <= 500,
    ),
    row("server: idle memory, everything included", `${round(idleMiB, 0)} MiB`, "120 MiB", idleMiB <= 120),
  ];
}

function row(question: string, ours: string, target: string, isMet: boolean): BenchRow {
  return { question, ours, baseline: "-", ratio: "-", target: `≤ ${target}`, isMet };
}

interface StartFigures {
  readonly firstCallMs: number;
  readonly idleMiB: number;
}

async function startOnce(
  env: Readonly<Record<string, string>> & { readonly MICRO_HOME: string },
): Promise<StartFigures> {
  const startMs = performance.now();
  const child = Bun.spawn(
    [
      ...microCommand,
      "server",
      "--gateway-address=0",
      "--proxy-address=0",
      "--network-address=0",
      "--registry-address=0",
      "--broker-address=0",
    ],
    { env: { ...env }, stdin: "ignore", stdout: "pipe", stderr: "inherit" },
  );
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of child.stdout) {
    text += decoder.decode(chunk, { stream: true });
    if (/^ready$/m.test(text)) break;
  }
  await authenticatedCall(env);
  const firstCallMs = performance.now() - startMs;
  await Bun.sleep(1_000);
  const idleMiB = await residentMiB(child.pid);
  child.kill("SIGTERM");
  await child.exited;
  return { firstCallMs, idleMiB };
}

async function authenticatedCall(env: Readonly<Record<string, string>>): Promise<void> {
  const paths = resolveHome(env);
  const server = parseServerFile(await Bun.file(paths.serverFile).text());
  const login = /micro:\/\/[^:]+:\d+\/micro\/admin:(\S+)/.exec(await Bun.file(paths.tokensFile).text());
  const token = JSON.parse(Buffer.from(login?.[1] ?? "", "base64").toString()) as { access_token: string };
  const answer = await fetch(`http://${server?.proxy}/registry.Registry/ListServices`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${token.access_token}` },
    body: "{}",
  });
  if (answer.status !== 200) throw new Error(`first call failed: ${answer.status} ${await answer.text()}`);
}
