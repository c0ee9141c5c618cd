import { describe, expect, it } from "bun:test";
import { Glob } from "bun";
import { findFlag, globalFlags, type FlagSpec } from "#cli/arguments/flag-spec.ts";
import { commandTable } from "#cli/command-table.ts";
import type { CommandNode } from "#cli/command.ts";

/** The page that lists every command must know them all. */
const root = new URL("../..", import.meta.url).pathname;
const page = await Bun.file(`${root}docs/command-line.md`).text();

interface Leaf {
  /** `user namespace set`. */
  readonly path: string;
  readonly flags: readonly FlagSpec[];
}

const leaves = (
  await Promise.all(
    commandTable
      .filter(({ isHidden }) => isHidden !== true)
      .map(async ({ name, load }) => findLeaves(name, (await load()).command)),
  )
).flat();

function findLeaves(path: string, node: CommandNode): readonly Leaf[] {
  if (node.kind === "command") return [{ path, flags: node.flags }];
  const children = Object.entries(node.children).flatMap(([name, child]) => findLeaves(`${path} ${name}`, child));
  return node.alone === undefined ? children : [{ path, flags: node.alone.flags }, ...children];
}

/** Rows of the table of commands: what stands in the first cell after `micro`, and the whole row. */
const rows = [...page.matchAll(/^\| `micro ([^`]+)` \|.*$/gm)].map(([row, usage = ""]) => ({ usage, row }));

describe("docs/command-line.md", () => {
  it("names every command", () => {
    const missing = leaves.filter(({ path }) => !new RegExp(`\`micro ${path}[ \`\\[]`).test(page));
    expect(missing.map(({ path }) => path)).toEqual([]);
  });

  it("names every flag in the row of its command", () => {
    const missing = leaves.flatMap(({ path, flags }) => {
      const row = rowOf(path);
      return row === undefined
        ? []
        : flags.filter((flag) => !isNamed(flag, row)).map(({ name }) => `${path} --${name}`);
    });
    expect(missing).toEqual([]);
  });

  it("names no flag in a row that its command does not take", () => {
    const strange = leaves.flatMap(({ path, flags }) => {
      const named = [...(rowOf(path) ?? "").matchAll(/`--([a-z-]+)/g)].map(([, name = ""]) => name);
      return named.filter((name) => findFlag(flags, name) === undefined).map((name) => `${path} --${name}`);
    });
    expect(strange).toEqual([]);
  });

  it("names every flag that all commands take", () => {
    expect(globalFlags.filter((flag) => !isNamed(flag, page)).map(({ name }) => name)).toEqual([]);
  });

  it("has no row for a command that is not there", () => {
    const strange = rows.filter(
      ({ usage }) =>
        !usage.startsWith("help ") && !leaves.some(({ path }) => usage === path || usage.startsWith(`${path} `)),
    );
    expect(strange.map(({ usage }) => usage)).toEqual([]);
  });

  it("explains every exit code that the command line uses, and no other", async () => {
    const used = new Set([0, 1]);
    for (const path of new Glob("src/cli/**/*.ts").scanSync(root)) {
      if (path.endsWith(".test.ts")) continue;
      const text = await Bun.file(root + path).text();
      for (const [, code = ""] of text.matchAll(/[eE]xitCode: (\d+)/g)) used.add(Number(code));
    }
    const explained = [...page.matchAll(/^\| (\d+) \|/gm)].map(([, code = ""]) => Number(code));
    expect(explained.toSorted((a, b) => a - b)).toEqual([...used].toSorted((a, b) => a - b));
  });
});

/** The row whose words are those of the path: `env` is not described by the row of `env add`. */
function rowOf(path: string): string | undefined {
  const longer = leaves.map((leaf) => leaf.path).filter((other) => other.startsWith(`${path} `));
  return rows.find(
    ({ usage }) =>
      (usage === path || usage.startsWith(`${path} `)) &&
      !longer.some((other) => usage === other || usage.startsWith(`${other} `)),
  )?.row;
}

function isNamed({ name, short, aliases = [] }: FlagSpec, text: string): boolean {
  const spellings = [
    `--${name}`,
    ...aliases.map((alias) => `--${alias}`),
    ...(short === undefined ? [] : [`-${short}`]),
  ];
  return spellings.every((spelling) => new RegExp(`\`${spelling}[ \`]`).test(text));
}
