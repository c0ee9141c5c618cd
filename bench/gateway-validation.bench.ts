import { startServer } from "#testing/start-server.ts";
import { count, median, round, type BenchRow } from "./bench-row.ts";
import { interleave, ratioOf, type RoundResult } from "./interleave.ts";

const validator = new URL("fixtures/validator", import.meta.url).pathname;

/** What it costs that a request is held against a schema: the same request to an endpoint that has one and to one that has none. */
export async function bench(): Promise<readonly BenchRow[]> {
  await using server = await startServer();
  const run = await server.micro(["run", validator]);
  if (run.code !== 0) throw new Error(`micro run failed: ${run.stderr}${run.stdout}`);
  const body = JSON.stringify({
    id: 7,
    customer: { name: "Jane Doe", email: "jane@example.com", isCompany: false },
    lines: [1, 2, 3].map((each) => ({ product: `product ${each}`, count: each, price: 9.5 * each })),
  });
  const gateway = { address: server.addresses.gateway, pid: server.addresses.pid, body };
  const { checked, unchecked } = await interleave(
    { checked: { ...gateway, path: "/validator/Checked" }, unchecked: { ...gateway, path: "/validator/Unchecked" } },
    { rounds: 15, connections: 32, durationMs: 1_000 },
  );
  const fall = 1 - ratioOf(checked, unchecked, ({ perSecond }) => perSecond);
  const figure = (results: readonly RoundResult[]): string =>
    `${count(median(results.map(({ perSecond }) => perSecond)))} req/s`;
  return [
    {
      question: "gateway: requests held against a schema, 32 connections",
      ours: figure(checked),
      baseline: `${figure(unchecked)} (an endpoint without schema)`,
      ratio: `-${round(fall * 100, 0)} %`,
      target: "≤ 15 % less",
      isMet: fall <= 0.15,
    },
  ];
}
