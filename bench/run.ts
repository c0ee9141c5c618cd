/**
 * `npm run bench [NAME …]`: answers the questions of bench/*.bench.ts one after the other and prints one table, each
 * row as soon as it is known. Every figure is set against a baseline that ran in the same minute on the same machine.
 */
import { Glob } from "bun";
import type { Bench, BenchRow } from "./bench-row.ts";

const wanted = process.argv.slice(2);
const files = [...new Glob("*.bench.ts").scanSync(import.meta.dir)].toSorted();
console.log("| question | ours | baseline | ratio | target | met |");
console.log("|---|---|---|---|---|---|");
for (const file of files) {
  const name = file.replace(".bench.ts", "");
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  process.stderr.write(`bench: ${name} …\n`);
  const { bench } = (await import(`./${file}`)) as { bench: Bench };
  for (const row of await bench()) {
    console.log(`| ${[row.question, row.ours, row.baseline, row.ratio, row.target, verdict(row)].join(" | ")} |`);
  }
}

function verdict({ isMet }: BenchRow): string {
  if (isMet === undefined) return "-";
  return isMet ? "yes" : "NO";
}
