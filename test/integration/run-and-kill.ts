import { baseEnvironment } from "#testing/run-command.ts";

export interface RunAndKillOptions {
  /** Path of a TypeScript program that prints a line for everything that was acknowledged to it. */
  readonly program: string;
  readonly args: readonly string[];
  /** It is killed after a random number of lines, at most so many. */
  readonly lineCountMax: number;
  /** Added to its environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a program, ends it by SIGKILL at a random moment, and returns the whole lines that it printed until then. */
export async function runAndKill({ program, args, lineCountMax, env }: RunAndKillOptions): Promise<string[]> {
  const child = Bun.spawn([process.execPath, program, ...args], {
    env: { ...baseEnvironment(), ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  });
  const killAfter = 1 + Math.floor(Math.random() * lineCountMax);
  const decoder = new TextDecoder();
  let text = "";
  let isKilled = false;
  for await (const chunk of child.stdout) {
    text += decoder.decode(chunk, { stream: true });
    if (isKilled || text.split("\n").length <= killAfter) continue;
    child.kill("SIGKILL");
    isKilled = true;
  }
  await child.exited;
  // The last line may be cut off.
  return text.split("\n").slice(0, -1);
}
