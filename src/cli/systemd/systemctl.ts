import { CommandError } from "#cli/command-error.ts";

/** States in which units can be started. */
const upStates: ReadonlySet<string> = new Set(["initializing", "starting", "running", "degraded", "maintenance"]);

/** The systemd of the machine, or of the user. */
export class Systemctl {
  readonly #prefix: readonly string[];

  constructor(isUser: boolean) {
    this.#prefix = isUser ? ["systemctl", "--user"] : ["systemctl"];
  }

  /** @throws CommandError where systemd does not run. */
  async requireRunning(): Promise<void> {
    const { text } = await this.#spawn(["is-system-running"]);
    if (upStates.has(text)) return;
    throw new CommandError(
      "systemd does not run here: --print shows the unit, for a machine where it does; without it, start micro server by other means",
    );
  }

  /** @throws CommandError with what systemd says. */
  async run(...args: readonly string[]): Promise<void> {
    const { code, text } = await this.#spawn(args);
    if (code === 0) return;
    throw new CommandError(
      `${[...this.#prefix, ...args].join(" ")} failed: ${text === "" ? `exit code ${code}` : text}`,
    );
  }

  async #spawn(args: readonly string[]): Promise<{ readonly code: number; readonly text: string }> {
    try {
      const child = Bun.spawn([...this.#prefix, ...args], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
      const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
      return { code, text: (stdout.trim() === "" ? stderr : stdout).trim() };
    } catch {
      return { code: 127, text: "systemctl is not there" };
    }
  }
}
