import { MicroError, type MicroErrorOptions } from "#base/error.ts";
import type { ErrorCode } from "#base/error-code.ts";

export interface CommandErrorOptions extends MicroErrorOptions {
  /** @default 1, what Micro's command line gives for a plain failure of a command. */
  readonly exitCode?: number;
  /** @default "invalid_argument": most of what a command refuses is what it was told. */
  readonly code?: ErrorCode;
}

/**
 * A failure found on this side: a wrong flag, a folder that is not there, a login that is missing. Carries the exit code,
 * which for failures of the server follows from the error itself.
 */
export class CommandError extends MicroError {
  readonly exitCode: number;

  constructor(detail: string, options: CommandErrorOptions = {}) {
    super(options.code ?? "invalid_argument", detail, { at: "micro", ...options });
    this.exitCode = options.exitCode ?? 1;
  }
}
