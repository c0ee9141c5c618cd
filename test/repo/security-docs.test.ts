import { describe, expect, it } from "bun:test";

const root = new URL("../..", import.meta.url).pathname;
const page = await Bun.file(`${root}docs/security.md`).text();

/** The last cell of a row that names a test: its file, and its title or a part of it. */
const named = [...page.matchAll(/\| `([\w./-]+\.test\.ts)`: (.+) \|$/gm)].map(([, file = "", title = ""]) => ({
  file,
  title,
}));

const weaknesses = [...range(1, 18), ...range(30, 32), ...range(35, 38)];

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

describe("the page about security", () => {
  it("names tests that are there", async () => {
    expect(named.length).toBeGreaterThan(weaknesses.length);
    const missing: string[] = [];
    for (const { file, title } of named) {
      const source = Bun.file(`${root}${file}`);
      if (!(await source.exists()) || !(await source.text()).includes(title)) missing.push(`${file}: ${title}`);
    }
    expect(missing).toEqual([]);
  });

  it("leaves out no row and no weakness of the edge", () => {
    const rows = page.split("\n").filter((line) => line.startsWith("|") && line.includes(".test.ts`"));
    expect(rows.length).toBe(named.length);
    const found = [...page.matchAll(/^\| W(\d+) \|/gm)].map(([, number]) => Number(number));
    expect(found).toEqual(weaknesses);
  });
});
