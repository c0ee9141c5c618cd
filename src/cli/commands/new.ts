import { resolve } from "node:path";
import { checkName } from "#cli/check-name.ts";
import type { Command } from "#cli/command.ts";
import { printJson, printLines } from "#cli/output/print.ts";
import { serviceTemplate } from "#cli/scaffold/service-template.ts";
import { writeScaffold } from "#cli/scaffold/write-scaffold.ts";

/** `micro new NAME`: a service that runs as it is. */
export const command: Command = {
  kind: "command",
  summary: "Create a service from a template",
  usage: "NAME",
  flags: [],
  wordCount: { min: 1, max: 1 },
  run: async ({ words: [name = ""], isJson }) => {
    checkName("service", name);
    const folder = resolve(name);
    const files = serviceTemplate(name);
    await writeScaffold(folder, files, name);
    if (isJson) printJson({ name, folder, files: files.map(({ path }) => path) });
    else
      printLines(
        describe(
          name,
          files.map(({ path }) => path),
        ),
      );
  },
};

function describe(name: string, paths: readonly string[]): readonly string[] {
  return [
    `Creating service ${name}`,
    "",
    ".",
    ...paths.map((path, index) => `${index === paths.length - 1 ? "└──" : "├──"} ${path}`),
    "",
    "run it:",
    "",
    `  micro run ./${name}`,
    `  micro ${name} call --name=Jane`,
    "",
  ];
}
