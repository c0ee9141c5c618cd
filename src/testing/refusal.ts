import { MicroError } from "#base/error.ts";

/** What something is refused with. @throws Error when it is not refused, or fails in another way. */
export async function refusal(work: Promise<unknown>): Promise<MicroError> {
  const reason = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!MicroError.is(reason)) throw new Error(`expected a MicroError, got ${String(reason)}`);
  return reason;
}
