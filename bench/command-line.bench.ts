import { startServer } from "#testing/start-server.ts";
import { baseEnvironment } from "#testing/run-command.ts";
import { createTempFolder } from "#testing/temp-folder.ts";
import { round, type BenchRow } from "./bench-row.ts";
import { measureCommandMs } from "./measure-process.ts";

const rounds = 25;
const launcher = new URL("../bin/micro", import.meta.url).pathname;

/** What a user waits for when he types a command. */
export async function bench(): Promise<readonly BenchRow[]> {
  await using folder = await createTempFolder();
  const emptyProgram = `${folder.path}/empty.ts`;
  await Bun.write(emptyProgram, "");
  await using server = await startServer();
  const emptyMs = await measureCommandMs([process.execPath, emptyProgram], baseEnvironment(), rounds);
  const helpMs = await measureCommandMs([launcher, "--help"], { ...server.env }, rounds);
  const servicesMs = await measureCommandMs([launcher, "services"], { ...server.env }, rounds);
  const helpRatio = helpMs / emptyMs;
  return [
    {
      question: "command line: micro --help against an empty Bun program",
      ours: `${round(helpMs, 1)} ms`,
      baseline: `${round(emptyMs, 1)} ms`,
      ratio: round(helpRatio, 2),
      target: "≤ 1.50",
      isMet: helpRatio <= 1.5,
    },
    {
      question: "command line: micro services",
      ours: `${round(servicesMs, 1)} ms`,
      baseline: "-",
      ratio: "-",
      target: "≤ 100 ms",
      isMet: servicesMs <= 100,
    },
  ];
}
