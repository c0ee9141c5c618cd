import { startServer } from "#testing/start-server.ts";
import { baseEnvironment } from "#testing/run-command.ts";
import { createTempFolder } from "#testing/temp-folder.ts";
import { round, type BenchRow } from "./bench-row.ts";
import { measureInTurn, type MeasuredCommand } from "./measure-process.ts";

const rounds = 25;
const launcher = new URL("../bin/micro", import.meta.url).pathname;

/** What a user waits for when he types a command. */
export async function bench(): Promise<readonly BenchRow[]> {
  await using folder = await createTempFolder();
  const emptyProgram = `${folder.path}/empty.ts`;
  await Bun.write(emptyProgram, "");
  await using server = await startServer();
  const empty = { command: [process.execPath, emptyProgram], env: baseEnvironment() };
  const micro = (word: string): MeasuredCommand => ({ command: [launcher, word], env: server.env });
  const help = await measureInTurn(micro("--help"), empty, rounds);
  const services = await measureInTurn(micro("services"), empty, rounds);
  return [
    {
      question: "command line: micro --help against an empty Bun program",
      ours: `${round(help.oursMs, 1)} ms`,
      baseline: `${round(help.baselineMs, 1)} ms`,
      ratio: round(help.ratio, 2),
      target: "≤ 1.50",
      isMet: help.ratio <= 1.5,
    },
    {
      question: "command line: micro services",
      ours: `${round(services.oursMs, 1)} ms`,
      baseline: "-",
      ratio: "-",
      target: "≤ 100 ms",
      isMet: services.oursMs <= 100,
    },
  ];
}
