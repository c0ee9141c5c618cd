import { MicroError } from "#base/error.ts";

/** The failure of a call; fails when the call succeeds. */
export async function failureOf(call: Promise<unknown>): Promise<MicroError> {
  try {
    await call;
  } catch (reason) {
    return MicroError.from(reason);
  }
  throw new Error("the call succeeded");
}

/** All items of a stream. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
