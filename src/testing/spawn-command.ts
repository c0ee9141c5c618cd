import { microCommand } from "./start-server.ts";
import { waitUntil } from "./wait-until.ts";

/** A command that goes on until it is told to stop. */
export interface RunningCommand extends AsyncDisposable {
  /** What it printed so far. */
  stdout(): string;
  stderr(): string;
  /** Waits until it printed so many lines, and returns them. */
  lines(count: number): Promise<readonly string[]>;
  /** Sends a signal and waits for the exit code. */
  end(signal: "SIGINT" | "SIGTERM"): Promise<number>;
  /** Its exit code, when it ends by itself. */
  readonly exited: Promise<number>;
}

/** Starts `micro …args`. It is killed at the end of the `await using` scope. */
export function spawnMicro(args: readonly string[], env: Readonly<Record<string, string>>): RunningCommand {
  const child = Bun.spawn([...microCommand, ...args], {
    env: { ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const texts = { stdout: "", stderr: "" };
  const collect = async (name: "stdout" | "stderr"): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const chunk of child[name]) texts[name] += decoder.decode(chunk, { stream: true });
  };
  const collected = Promise.all([collect("stdout"), collect("stderr")]);
  const exited = child.exited.then(async (code) => {
    await collected;
    return code;
  });
  return {
    stdout: () => texts.stdout,
    stderr: () => texts.stderr,
    lines: (count) =>
      waitUntil(`${count} lines of micro ${args.join(" ")}, which printed ${texts.stdout}${texts.stderr}`, () => {
        const lines = texts.stdout.split("\n").slice(0, -1);
        return lines.length >= count && lines;
      }),
    end: (signal) => {
      child.kill(signal);
      return exited;
    },
    exited,
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await exited;
    },
  };
}
