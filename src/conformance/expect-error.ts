import { expect } from "bun:test";
import type { ErrorCode } from "#base/error-code.ts";
import { MicroError } from "#base/error.ts";

/** Waits for the failure of `attempt`, checks its code and returns it. */
export async function expectError(attempt: Promise<unknown>, code: ErrorCode): Promise<MicroError> {
  const error = await attempt.then(
    () => undefined,
    (reason: unknown) => MicroError.from(reason),
  );
  if (error === undefined) throw new Error(`expected a failure with code ${code}, but it succeeded`);
  expect({ code: error.code, detail: error.detail }).toMatchObject({ code });
  return error;
}
