import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { mkdir, symlink } from "node:fs/promises";
import { runCommand } from "#testing/run-command.ts";
import { startServer, type TestServer } from "#testing/start-server.ts";
import { createTempFolder, type TempFolder } from "#testing/temp-folder.ts";
import { matchesShown, parseConsoleBlocks, readOutputs, toShellScript, type ConsoleBlock } from "./console-blocks.ts";

/** Every command that the pages show, run in the order of reading against a real server, with what it is said to print. */
const checkout = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");

const pages = [
  "README.md",
  "docs/gateway.md",
  "docs/access.md",
  "docs/runtime.md",
  "docs/micro-json.md",
  "docs/wire.md",
  "docs/command-line.md",
  "docs/deploy.md",
];

let server: TestServer;
let folder: TempFolder;

beforeAll(async () => {
  [server, folder] = await Promise.all([startServer(), createTempFolder()]);
  // What a reader has in his clone, so that the commands can be typed as they stand.
  await mkdir(`${folder.path}/node_modules`);
  await symlink(`${checkout}/bin`, `${folder.path}/bin`);
  await symlink(`${checkout}/examples`, `${folder.path}/examples`);
  await symlink(checkout, `${folder.path}/node_modules/micro-ts`);
  await symlink(`${checkout}/node_modules/.bin`, `${folder.path}/node_modules/.bin`);
  // The pages go on from the README's first block, which has a test of its own.
  await shell("./bin/micro new helloworld");
}, 60_000);

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

describe("the commands of", () => {
  for (const page of pages) {
    it(`${page} print what the page shows`, async () => {
      await shell("./bin/micro run ./helloworld --force");
      const blocks = parseConsoleBlocks(withRealAddresses(await Bun.file(`${checkout}/${page}`).text()));
      expect(blocks.length).toBeGreaterThan(0);
      for (const block of blocks) await runBlock(page, block);
    }, 60_000);
  }
});

async function runBlock(page: string, block: ConsoleBlock): Promise<void> {
  const outputs = readOutputs(await shell(toShellScript(block)));
  block.forEach(({ line, text, output }, index) => {
    const where = `${page}:${line} $ ${text}`;
    const printed = outputs[index] ?? { output: "", code: -1 };
    if (printed.code !== 0) throw new Error(`${where}\nended with ${printed.code}:\n${printed.output}`);
    if (output !== "" && !matchesShown(output, printed.output)) {
      throw new Error(`${where}\nis said to print:\n${output}\nand prints:\n${printed.output}`);
    }
  });
}

async function shell(script: string): Promise<string> {
  const result = await runCommand(["sh", "-c", script], { cwd: folder.path, env: server.env });
  return result.stdout;
}

/** Tests run beside one another, so their server is not at the addresses that the pages name. */
function withRealAddresses(text: string): string {
  const { gateway, proxy, network } = server.addresses;
  return text
    .replaceAll("localhost:8080", gateway)
    .replaceAll("localhost:8081", proxy)
    .replaceAll("localhost:8443", network);
}
