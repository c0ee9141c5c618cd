/**
 * `npm test`: everything that must hold, one step after the other, each with a line that says how it went. The last line
 * is the sum. `--static` leaves out the tests (`npm run check`).
 */
import { root } from "./root.ts";

interface Step {
  readonly name: string;
  readonly command: readonly string[];
}

interface Tally {
  passed: number;
  failed: number;
  skipped: number;
}

/** A test that needs longer hangs. */
const testTimeoutMs = 60_000;

const bin = (name: string): string => `${root}/node_modules/.bin/${name}`;
const bun = process.execPath;

const staticSteps: readonly Step[] = [
  { name: "generated code is up to date", command: [bun, "scripts/generate.ts", "--check"] },
  { name: "types", command: [bin("tsc"), "-p", "."] },
  { name: "lint", command: [bin("oxlint"), "--deny-warnings"] },
  { name: "format", command: [bin("oxfmt"), "--check"] },
  { name: "SDK for Node builds", command: [bun, "scripts/build-sdk.ts"] },
];

const tally: Tally = { passed: 0, failed: 0, skipped: 0 };
for (const step of staticSteps) await runStep(step, tally);
if (!process.argv.includes("--static")) await runTests(tally);

const skipped = tally.skipped > 0 ? `, ${tally.skipped} skipped` : "";
console.log(`${tally.passed} passed, ${tally.failed} failed${skipped}`);
process.exit(tally.failed > 0 ? 1 : 0);

async function runStep(step: Step, sum: Tally): Promise<void> {
  const startMs = performance.now();
  const child = Bun.spawn([...step.command], { cwd: root, stdout: "pipe", stderr: "pipe", stdin: "ignore" });
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  const seconds = ((performance.now() - startMs) / 1_000).toFixed(1);
  console.log(`${code === 0 ? "ok  " : "FAIL"} ${step.name} (${seconds} s)`);
  if (code === 0) sum.passed += 1;
  else {
    sum.failed += 1;
    console.log(out + err);
  }
}

/** Two test files at a time: the machines have two cores, and most tests wait for processes. */
async function runTests(sum: Tally): Promise<void> {
  const reporter = ["--no-orphans", "--parallel=2", `--timeout=${testTimeoutMs}`];
  const child = Bun.spawn([bun, "test", ...reporter], { cwd: root, stdout: "pipe", stderr: "pipe", stdin: "ignore" });
  const text = (await Promise.all([echo(child.stdout), echo(child.stderr)])).join("\n");
  const code = await child.exited;
  const passed = lastCount(text, "pass");
  sum.passed += passed;
  sum.failed += lastCount(text, "fail");
  sum.skipped += lastCount(text, "skip");
  // A runner that died says nothing of failures; that is one.
  if ((code !== 0 || passed === 0) && sum.failed === 0) sum.failed += 1;
}

/** Passes on what the runner says, without the tests that passed and the files in which all did. Returns the whole text. */
async function echo(stream: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let unread = "";
  let header = "";
  for await (const chunk of stream) {
    const lines = (unread + decoder.decode(chunk, { stream: true })).split("\n");
    unread = lines.pop() ?? "";
    for (const line of lines) {
      text += `${line}\n`;
      if (line.startsWith("(pass)") || line.trim() === "") continue;
      if (/^\S+\.test\.ts:$/.test(line)) {
        header = `${line}\n`;
        continue;
      }
      process.stdout.write(`${header}${line}\n`);
      header = "";
    }
  }
  return text + unread;
}

/** The number in the runner's summary line " 12 pass"; the last such line counts. */
function lastCount(text: string, word: string): number {
  const matches = [...text.matchAll(new RegExp(`^ *(\\d+) ${word}`, "gm"))];
  return Number(matches.at(-1)?.[1] ?? 0);
}
