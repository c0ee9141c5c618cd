import type { Command, CommandGroup } from "#cli/command.ts";
import { printJson, printLine, printLines } from "#cli/output/print.ts";
import { isCredentialKey, toSettingKey } from "#cli/source/git-credential-setting.ts";

const show: Command = {
  kind: "command",
  summary: "Print the settings of the user",
  usage: "",
  flags: [],
  wordCount: { min: 0, max: 0 },
  run: async ({ session, isJson }) => {
    const { config } = session;
    const settings = {
      user: session.currentLogin()?.key.account,
      namespace: session.chosenNamespace,
      environment: session.environment.name,
      "git.credentials": config.get("git.credentials") === undefined ? undefined : "[hidden]",
      "git.baseurl": config.get("git.baseurl"),
    };
    if (isJson) printJson(Object.fromEntries(Object.entries(settings).map(([key, value]) => [key, value ?? null])));
    else printLines(Object.entries(settings).map(([key, value]) => `${key}: ${value ?? "n/a"}`));
  },
};

const get: Command = {
  kind: "command",
  summary: "Print one setting",
  usage: "KEY",
  flags: [],
  wordCount: { min: 1, max: 1 },
  run: async ({ session, words: [key = ""], isJson }) => {
    const value = session.config.get(toSettingKey(key));
    const shown = value !== undefined && isCredentialKey(key) ? "[hidden]" : value;
    if (isJson) printJson({ key, value: shown ?? null });
    else printLine(shown ?? "");
  },
};

const set: Command = {
  kind: "command",
  summary: "Change one setting",
  usage: "KEY [VALUE]",
  details:
    "git.baseurl               where bare names of sources are: host/owner, or a URL of git\n" +
    "git.ENVIRONMENT.baseurl   the same for one environment\n" +
    "git.credentials.HOST      token, or user:password, for private repositories of a host\n\n" +
    "- reads the value from standard input, which keeps secrets out of the shell's history.",
  flags: [],
  wordCount: { min: 1, max: 2 },
  run: async ({ session, words: [key = "", value = ""] }) => {
    const text = value === "-" ? (await Bun.stdin.text()).replace(/\r?\n$/, "") : value;
    await session.config.set({ [toSettingKey(key)]: text });
  },
};

const remove: Command = {
  kind: "command",
  summary: "Take one setting back",
  usage: "KEY",
  flags: [],
  wordCount: { min: 1, max: 1 },
  run: ({ session, words: [key = ""] }) => session.config.set({ [toSettingKey(key)]: "" }),
};

/** `micro user config …`: the settings file of this machine. */
export const command: CommandGroup = {
  kind: "group",
  summary: "Get and set local settings",
  alone: show,
  children: { get, set, delete: remove, del: remove },
};
