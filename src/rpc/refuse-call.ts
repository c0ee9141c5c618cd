import { MicroError } from "#base/error.ts";
import type { Account } from "#interface/auth.ts";

/** The refusal of a call by the rules, as Micro words it: 401 to a caller without an account, 403 to one with. */
export function refuseCall(service: string, endpoint: string, account: Account | undefined): MicroError {
  const what = `call made to ${service}:${endpoint}`;
  if (account === undefined) return new MicroError("unauthenticated", `Unauthorized ${what}`, { at: service });
  return new MicroError("permission_denied", `Forbidden ${what} by ${account.id}`, { at: service });
}
