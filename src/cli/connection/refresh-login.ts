import { CommandError } from "#cli/command-error.ts";
import { isRecord } from "#base/json.ts";
import { MicroError } from "#base/error.ts";
import { readToken, type Login, type LoginFile, type LoginKey } from "./login-file.ts";

/** A token that ends sooner than this is replaced first, so that none ends on its way. */
const freshSeconds = 60;

/** What is asked for: a day, so that the command line asks once a day. */
export const wishedTokenSeconds = 86_400;

export interface RefreshDeps {
  readonly logins: LoginFile;
  /** Calls `auth/Auth.Token` without a token. */
  readonly requestToken: (body: unknown) => Promise<unknown>;
  /** Milliseconds since the epoch. @default Date.now */
  readonly now?: () => number;
}

/**
 * The login itself while it is fresh, else a new one, which is written down. Commands that run at once take turns: the
 * second one finds the new login of the first, because a refresh token buys once.
 *
 * @throws CommandError with exit code 2 when the login has ended.
 */
export async function refreshLogin(
  deps: RefreshDeps,
  { key, login }: { readonly key: LoginKey; readonly login: Login },
): Promise<Login> {
  const now = deps.now ?? (() => Date.now());
  if (isFresh(login, now())) return login;
  return deps.logins.locked(async (file) => {
    const latest = file.read(key);
    if (latest === undefined) throw loginEnded();
    if (isFresh(latest, now())) return latest;
    if (latest.refreshToken === "") throw loginEnded();
    const renewed = await exchange(deps, latest, key.namespace);
    file.write(key, renewed);
    return renewed;
  });
}

async function exchange(deps: RefreshDeps, login: Login, namespace: string): Promise<Login> {
  const body = { refresh_token: login.refreshToken, token_expiry: wishedTokenSeconds, options: { namespace } };
  try {
    return readTokenAnswer(await deps.requestToken(body));
  } catch (reason) {
    if (MicroError.is(reason) && (reason.httpStatus === 400 || reason.httpStatus === 401)) throw loginEnded(reason);
    throw reason;
  }
}

/** The token of an answer of `Auth.Token`. @throws MicroError `bad_gateway` when there is none. */
export function readTokenAnswer(answer: unknown): Login {
  const login = readToken(isRecord(answer) ? answer["token"] : undefined);
  if (login !== undefined) return login;
  throw new MicroError("bad_gateway", "the auth service answered without a token", { at: "auth.Token" });
}

function isFresh(login: Login, nowMs: number): boolean {
  return login.expiry - nowMs / 1_000 > freshSeconds;
}

function loginEnded(cause?: unknown): CommandError {
  return new CommandError('Your login has expired: log in again with "micro login"', {
    code: "unauthenticated",
    exitCode: 2,
    ...(cause === undefined ? {} : { cause }),
  });
}
