import { describe, expect, it } from "bun:test";
import { cp, mkdir, symlink } from "node:fs/promises";
import { serviceTemplate } from "#cli/scaffold/service-template.ts";
import { runCommand } from "#testing/run-command.ts";
import { createTempFolder } from "#testing/temp-folder.ts";

/** TypeScript that the pages show is held against the types of the framework, as in a folder that `micro new` made. */
const root = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");
const pages = ["README.md", "docs/sdk.md", "docs/broker.md", "docs/events.md", "docs/model.md", "docs/store.md"];

describe("the TypeScript that the pages show", () => {
  it("has no type error", async () => {
    await using folder = await createTempFolder();
    await mkdir(`${folder.path}/node_modules`);
    await symlink(root, `${folder.path}/node_modules/micro-ts`);
    for (const name of ["@bufbuild", "@types"]) {
      await symlink(`${root}/node_modules/${name}`, `${folder.path}/node_modules/${name}`);
    }
    await cp(`${root}/examples/greeter-proto/greeter_pb.ts`, `${folder.path}/greeter_pb.ts`);
    const settings = serviceTemplate("docs").find(({ path }) => path === "tsconfig.json");
    await Bun.write(`${folder.path}/tsconfig.json`, settings?.text ?? "");
    expect(await writeBlocks(folder.path)).toBeGreaterThan(3);
    const checked = await runCommand([`${root}/node_modules/.bin/tsc`, "-p", folder.path], { cwd: folder.path });
    expect(checked).toMatchObject({ code: 0, stdout: "" });
  }, 60_000);
});

/** Writes each block to a file named for its page and place. Returns how many there are. */
async function writeBlocks(folder: string): Promise<number> {
  let count = 0;
  for (const page of pages) {
    const text = await Bun.file(`${root}/${page}`).text();
    for (const [, block = ""] of text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)) {
      count += 1;
      await Bun.write(`${folder}/${page.replaceAll("/", "-")}-${count}.ts`, `${block}export {};\n`);
    }
  }
  return count;
}
