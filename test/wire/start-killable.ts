import { join } from "node:path";

/** The echo service in a process that a test may end, or hold up, at any moment. */
export interface Killable extends AsyncDisposable {
  readonly address: string;
  readonly pid: number;
  /** SIGSTOP: it takes connections, because the kernel does, and answers nothing. */
  suspend(): void;
  resume(): void;
  /** SIGKILL: no goodbye. */
  kill(): Promise<void>;
  /** SIGTERM: finishes what it has. */
  stop(): Promise<number>;
}

export async function startKillable(address: string): Promise<Killable> {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "killable-server.ts"), address], {
    stdout: "pipe",
    stderr: "inherit",
  });
  const output = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const bound = ((await output.read()).value ?? "").trim();
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await child.exited;
  };
  return {
    address: bound,
    pid: child.pid,
    suspend: () => child.kill("SIGSTOP"),
    resume: () => child.kill("SIGCONT"),
    kill,
    stop: () => {
      child.kill("SIGTERM");
      return child.exited;
    },
    [Symbol.asyncDispose]: kill,
  };
}
