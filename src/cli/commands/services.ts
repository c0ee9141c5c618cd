import type { Command } from "#cli/command.ts";
import { printJson, printLines } from "#cli/output/print.ts";
import { listServices } from "#cli/service-list.ts";

/** `micro services`: names, one a line. */
export const command: Command = {
  kind: "command",
  summary: "List the services of the registry",
  usage: "",
  flags: [],
  wordCount: { min: 0, max: 0 },
  run: async ({ session, isJson }) => {
    const services = await listServices(session);
    if (isJson) printJson(services);
    else printLines([...new Set(services.map(({ name }) => name))]);
  },
};
