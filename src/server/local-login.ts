import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { HomePaths } from "#base/home.ts";
import { isRecord } from "#base/json.ts";
import { defaultNamespace, type TokenPair } from "#interface/auth.ts";
import { writePrivateFile } from "./write-file.ts";

/** The account that the local user is logged in as. */
export const administratorId = "admin";

/** Key of the local environment's login in the `tokens` file: Micro's own address, whatever port was chosen today. */
const loginKey = `micro://127.0.0.1:8081/${defaultNamespace}/${administratorId}`;

/**
 * True when the user of this machine is to find himself logged in: at the first start, and ever after until he logs out,
 * which takes his line out of the `tokens` file.
 */
export async function wantsLocalLogin(paths: HomePaths): Promise<boolean> {
  if (!existsSync(paths.tokensFile)) return true;
  return (await readFile(paths.tokensFile, "utf8")).split("\n").some((line) => line.startsWith(`${loginKey}:`));
}

/** Puts a fresh login of the administrator where the command line finds it; leaves other logins as they are. */
export async function writeLocalLogin(paths: HomePaths, tokens: TokenPair): Promise<void> {
  const login = {
    access_token: tokens.accessToken,
    refresh_token: tokens.refreshToken,
    created: tokens.created,
    expiry: tokens.expiry,
  };
  const line = `${loginKey}:${Buffer.from(JSON.stringify(login)).toString("base64")}`;
  const others = existsSync(paths.tokensFile) ? await otherLines(paths.tokensFile) : [];
  await writePrivateFile(paths.tokensFile, `${[...others, line].join("\n")}\n`);
  await rememberCurrentUser(paths.configFile);
}

async function otherLines(tokensFile: string): Promise<string[]> {
  const lines = (await readFile(tokensFile, "utf8")).split("\n");
  return lines.filter((line) => line !== "" && !line.startsWith(`${loginKey}:`));
}

/** Names the administrator as the local environment's user where no other was chosen. */
async function rememberCurrentUser(configFile: string): Promise<void> {
  const settings = existsSync(configFile)
    ? (JSON.parse(await readFile(configFile, "utf8")) as unknown)
    : { env: "local" };
  if (!isRecord(settings)) return;
  const local = isRecord(settings["local"]) ? settings["local"] : {};
  if (typeof local["current-user"] === "string" && local["current-user"] !== "") return;
  await writePrivateFile(
    configFile,
    `${JSON.stringify({ ...settings, local: { ...local, "current-user": administratorId } }, null, 2)}\n`,
  );
}
