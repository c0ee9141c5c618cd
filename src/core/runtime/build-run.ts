import { readFile, writeFile } from "node:fs/promises";
import { formatDuration } from "#base/duration.ts";
import { MicroError } from "#base/error.ts";
import { isRecord } from "#base/json.ts";
import { findBuildError } from "./build-failure.ts";
import type { BuildLog } from "./build-log.ts";
import { buildRoot, type BuildPlan } from "./build-plan.ts";
import { runBuildProcess } from "./build-process.ts";
import { findProgram } from "./find-program.ts";

/** Lines that are looked through for the reason of a failure. */
const lineCountMax = 2_000;

export interface BuildRunOptions {
  readonly plan: BuildPlan;
  /** The copy of the source that is built in. */
  readonly root: string;
  /** The whole environment of the commands. */
  readonly env: Readonly<Record<string, string>>;
  readonly log: BuildLog;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  /** A process of the build runs from now on, until the returned function is called. */
  readonly onProcess: (pid: number) => () => void;
}

/**
 * Runs the commands of a build, one after the other, each in a process group of its own.
 *
 * @throws MicroError `failed_precondition` with the command and the first line that looks like an error; `cancelled` when
 * `signal` aborts; `timeout`.
 */
export async function runBuild(options: BuildRunOptions): Promise<void> {
  const { plan, log, timeoutMs, signal } = options;
  const expired = AbortSignal.timeout(timeoutMs);
  const ended = AbortSignal.any([signal, expired]);
  await log.append(plan.notes);
  const restore = await hideProvided(options);
  for (const { argv } of plan.commands) {
    const words = argv.map((word) => word.replaceAll(buildRoot, options.root));
    const { failure, lines } = await runCommand(words, options, ended);
    if (signal.aborted) throw new MicroError("cancelled", "the build was ended");
    if (expired.aborted) {
      const detail = `the build failed: it did not end within ${formatDuration(timeoutMs)}, in ${describe(argv)}`;
      await log.append([detail]);
      throw new MicroError("timeout", detail);
    }
    if (failure !== undefined) throw failed(argv, failure, { lines, root: options.root });
  }
  await restore();
}

async function runCommand(
  argv: readonly string[],
  { plan, root, env, log, onProcess }: BuildRunOptions,
  ended: AbortSignal,
): Promise<{ readonly failure: string | undefined; readonly lines: readonly string[] }> {
  const folder = plan.folder === "" ? root : `${root}/${plan.folder}`;
  const [program = "", ...args] = argv;
  await log.append([`+ ${describe(argv)}`]);
  const lines: string[] = [];
  const failure = await runBuildProcess({
    argv: [findProgram(program, folder, env["PATH"] ?? ""), ...args],
    folder,
    env,
    onProcess,
    signal: ended,
    onLines: (said) => {
      lines.push(...said.slice(0, Math.max(0, lineCountMax - lines.length)));
      return log.append(said);
    },
  });
  return { failure, lines };
}

function failed(
  argv: readonly string[],
  how: string,
  { lines, root }: { readonly lines: readonly string[]; readonly root: string },
): MicroError {
  const said = findBuildError(lines)?.replaceAll(`${root}/`, "");
  const detail = `the build failed: ${describe(argv)} ${how}${said === undefined ? "" : `: ${said}`}`;
  return new MicroError("failed_precondition", detail);
}

/** `go build`, `npm ci`, `sh -c "make all"`: enough to know which command it was. */
function describe(argv: readonly string[]): string {
  const [program = "", first = "", second] = argv;
  if (program === "sh" && first === "-c" && second !== undefined) return second.split("\n", 1)[0] ?? "";
  const name = program.slice(program.lastIndexOf("/") + 1).replace(/\.exe$/, "");
  if (first === "-m" && second !== undefined) return second === "pip" ? "pip install" : second;
  return [name, first].filter((word) => word !== "").join(" ");
}

/**
 * Takes packages that the server provides out of package.json, which a registry may not know or know as a stranger's.
 * Returns what puts the file back.
 */
async function hideProvided({ plan, root }: BuildRunOptions): Promise<() => Promise<void>> {
  const { provided = [] } = plan;
  if (provided.length === 0) return async () => undefined;
  const path = `${root}/${plan.folder === "" ? "" : `${plan.folder}/`}package.json`;
  const text = await readFile(path, "utf8");
  const json: unknown = JSON.parse(text);
  if (!isRecord(json)) return async () => undefined;
  for (const field of ["dependencies", "optionalDependencies"]) {
    const named = json[field];
    if (!isRecord(named)) continue;
    json[field] = Object.fromEntries(Object.entries(named).filter(([name]) => !provided.includes(name)));
  }
  await writeFile(path, JSON.stringify(json));
  return () => writeFile(path, text);
}
