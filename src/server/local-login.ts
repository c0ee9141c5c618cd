import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { HomePaths } from "#base/home.ts";
import { isRecord } from "#base/json.ts";
import { defaultNamespace, type TokenPair } from "#interface/auth.ts";
import { writePrivateFile } from "./write-file.ts";

/** What the local user is logged in with. */
export interface LocalLogin {
  /** Id of an account of the installation. */
  readonly account: string;
  readonly tokens: TokenPair;
  /** True for an account made just now as the only user: whoever was logged in before is gone. */
  readonly isNew: boolean;
}

/**
 * True when the user of this machine is to find himself logged in as `account`: at the first start, and ever after until he logs out,
 * which takes his line out of the `tokens` file.
 */
export async function wantsLocalLogin(paths: HomePaths, account: string): Promise<boolean> {
  if (!existsSync(paths.tokensFile)) return true;
  return (await readFile(paths.tokensFile, "utf8")).split("\n").some((line) => line.startsWith(linePrefix(account)));
}

/** Puts a fresh login where the command line finds it; leaves other logins as they are. */
export async function writeLocalLogin(paths: HomePaths, { account, tokens, isNew }: LocalLogin): Promise<void> {
  const login = {
    access_token: tokens.accessToken,
    refresh_token: tokens.refreshToken,
    created: tokens.created,
    expiry: tokens.expiry,
  };
  const line = `${linePrefix(account)}${Buffer.from(JSON.stringify(login)).toString("base64")}`;
  const others = existsSync(paths.tokensFile) ? await otherLines(paths.tokensFile, account) : [];
  await writePrivateFile(paths.tokensFile, `${[...others, line].join("\n")}\n`);
  await rememberCurrentUser(paths.configFile, { account, isNew });
}

/** How the local environment's login begins in the `tokens` file: Micro's own address, whatever port was chosen today. */
function linePrefix(account: string): string {
  return `micro://127.0.0.1:8081/${defaultNamespace}/${account}:`;
}

async function otherLines(tokensFile: string, account: string): Promise<string[]> {
  const lines = (await readFile(tokensFile, "utf8")).split("\n");
  return lines.filter((line) => line !== "" && !line.startsWith(linePrefix(account)));
}

/** Names the account as the local environment's user where no other was chosen that is still there. */
async function rememberCurrentUser(
  configFile: string,
  { account, isNew }: Pick<LocalLogin, "account" | "isNew">,
): Promise<void> {
  const settings = existsSync(configFile)
    ? (JSON.parse(await readFile(configFile, "utf8")) as unknown)
    : { env: "local" };
  if (!isRecord(settings)) return;
  const local = isRecord(settings["local"]) ? settings["local"] : {};
  if (!isNew && typeof local["current-user"] === "string" && local["current-user"] !== "") return;
  await writePrivateFile(
    configFile,
    `${JSON.stringify({ ...settings, local: { ...local, "current-user": account } }, null, 2)}\n`,
  );
}
