import { readFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { isRecord } from "#base/json.ts";
import { CommandError } from "#cli/command-error.ts";
import { listFolders } from "./list-folders.ts";

/** Files that make a folder a service. A `package.json` does where it names what to start. */
const tellingFiles: readonly string[] = [
  "micro.json",
  ...["index", "main", "service", "src/index", "src/main"].flatMap((name) =>
    ["ts", "mts", "js", "mjs"].map((extension) => `${name}.${extension}`),
  ),
  "main.go",
  "main.py",
  "app.py",
];

/**
 * The folders of services in `roots`: a root that is a service itself, else every folder below it that is one and lies in
 * no other. What git ignores and `node_modules` are left out.
 *
 * @throws CommandError for a root without a service, and for two services of the same name.
 */
export async function findServices(roots: readonly string[]): Promise<readonly string[]> {
  const found = (await Promise.all(roots.map((root) => findBelow(resolve(root))))).flat();
  const folders = [...new Set(found)];
  const byName = Map.groupBy(folders, (folder) => basename(folder));
  for (const [name, [first, second]] of byName) {
    if (first === undefined || second === undefined) continue;
    throw new CommandError(`${first} and ${second} are both called ${name}: rename one, or name the folders to run`);
  }
  return folders;
}

async function findBelow(root: string): Promise<readonly string[]> {
  const services: string[] = [];
  for (const folder of await listFolders(root)) {
    const isInside = services.some((service) => folder.startsWith(`${service}/`));
    if (!isInside && (await isService(folder))) services.push(folder);
  }
  if (services.length > 0) return services;
  throw new CommandError(
    `${root} has no service in it: a service is a folder with an index.ts, a package.json with main, a main.go, a main.py or a micro.json`,
  );
}

async function isService(folder: string): Promise<boolean> {
  const there = await Promise.all(tellingFiles.map((name) => Bun.file(join(folder, name)).exists()));
  return there.includes(true) || namesMain(await readFile(join(folder, "package.json"), "utf8").catch(() => ""));
}

function namesMain(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) && ["micro", "module", "main"].some((key) => typeof value[key] === "string");
  } catch {
    return false;
  }
}
