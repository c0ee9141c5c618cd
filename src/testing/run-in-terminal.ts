import { microCommand } from "./start-server.ts";
import { waitUntil } from "./wait-until.ts";

/** A command whose standard streams are a terminal. */
export interface TerminalCommand extends AsyncDisposable {
  /** Everything that came to the screen so far, escape sequences included. */
  screen(): string;
  /** Waits until the screen has this text, which may lie behind what was there before. */
  shows(text: string): Promise<void>;
  /** Types; `\u0003` is Ctrl-C. */
  type(keys: string): void;
  readonly exited: Promise<number>;
}

/** Starts `micro …args` in a terminal of 120 columns. It is killed at the end of the `await using` scope. */
export function runInTerminal(
  args: readonly string[],
  { env, cwd }: { readonly env: Readonly<Record<string, string>>; readonly cwd?: string },
): TerminalCommand {
  const decoder = new TextDecoder();
  let text = "";
  const child = Bun.spawn([...microCommand, ...args], {
    env: { TERM: "xterm", ...env },
    ...(cwd === undefined ? {} : { cwd }),
    terminal: { cols: 120, rows: 40, data: (_terminal, data) => void (text += decoder.decode(data, { stream: true })) },
  });
  return {
    screen: () => text,
    shows: async (wanted) => {
      await waitUntil(`the screen shows ${wanted}`, () => text.includes(wanted)).catch((cause: unknown) => {
        throw new Error(`the screen does not show ${wanted}: ${text.slice(-2_000)}`, { cause });
      });
    },
    type: (keys) => void child.terminal?.write(keys),
    exited: child.exited,
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await child.exited;
      child.terminal?.close();
    },
  };
}
