import { readFileSync } from "node:fs";
import { startServer, type TestServer } from "#testing/start-server.ts";
import { createTempFolder } from "#testing/temp-folder.ts";
import { round, type BenchRow } from "./bench-row.ts";

const serviceCount = Number(process.env["MICRO_FLEET"] ?? "100");
/** A whole round of heartbeats. */
const idleMs = 30_000;
/** Time without a change before the idle time is measured: what starts has to come to rest. */
const restMs = 5_000;
/** The whole of it, so that nothing hangs for ever. */
const patienceMs = 180_000;

/** How long a server takes to bring many services back, and what it costs the supervisor that they are there. */
export async function bench(): Promise<readonly BenchRow[]> {
  await using server = await startServer();
  await using temp = await createTempFolder();
  await deployFleet(server, temp.path);
  await untilAllRun(server);
  await server.kill("SIGTERM");
  const startMs = performance.now();
  await server.start();
  await untilAllRun(server);
  const startSeconds = (performance.now() - startMs) / 1_000;
  await Bun.sleep(restMs);
  const pid = serverPid(server);
  const before = cpuMs(pid);
  await Bun.sleep(idleMs);
  const percent = ((cpuMs(pid) - before) / idleMs) * 100;
  return [
    row(
      `runtime: ${serviceCount} services started by a server`,
      `${round(startSeconds, 1)} s`,
      "30 s",
      startSeconds <= 30,
    ),
    row(
      `runtime: the server beside ${serviceCount} idle services`,
      `${round(percent, 2)} % of a core`,
      "2 %",
      percent < 2,
    ),
  ];
}

function row(question: string, ours: string, target: string, isMet: boolean): BenchRow {
  return { question, ours, baseline: "-", ratio: "-", target: `≤ ${target}`, isMet };
}

/** One source, many services of it. */
async function deployFleet(server: TestServer, folder: string): Promise<void> {
  const program = `
    import { service, z } from "micro-ts";
    const made = service(process.env.MICRO_SERVICE_NAME ?? "", { version: "1.0.0" });
    made.endpoint("Say.Hello", { description: "Says nothing.", request: z.object({}), response: z.object({}), handle: async () => ({}) });
    await made.run();`;
  await Bun.write(`${folder}/index.ts`, program);
  const { code, stderr } = await server.micro(["run", folder, "--name", "fleet-0"]);
  if (code !== 0) throw new Error(stderr);
  const authorization = `Bearer ${await server.token()}`;
  for (let index = 1; index < serviceCount; index += 1) {
    const resource = { service: { name: `fleet-${index}`, version: "latest", source: "source://fleet-0:latest" } };
    const response = await fetch(`http://${server.addresses.gateway}/runtime/Runtime/Create`, {
      method: "POST",
      headers: { authorization },
      body: JSON.stringify({ resource, options: {} }),
    });
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
    // Those before are up: what is measured is the server's own start.
    await untilRunning(server, authorization, index + 1);
  }
}

async function untilAllRun(server: TestServer): Promise<void> {
  await untilRunning(server, `Bearer ${await server.token()}`, serviceCount);
}

async function untilRunning(server: TestServer, authorization: string, count: number): Promise<void> {
  for (const endMs = performance.now() + patienceMs; performance.now() < endMs; await Bun.sleep(100)) {
    const options = { method: "POST", headers: { authorization }, body: "{}" };
    const response = await fetch(`http://${server.addresses.gateway}/runtime/Runtime/Read`, options).catch(
      () => undefined,
    );
    if (response?.ok !== true) continue;
    const { services = [] } = (await response.json()) as { services?: readonly { readonly status: number }[] };
    // 4 is running.
    if (services.filter(({ status }) => status === 4).length >= count) return;
  }
  throw new Error(`${count} services did not run within ${patienceMs / 1_000} s`);
}

function serverPid(server: TestServer): number {
  return (JSON.parse(readFileSync(`${server.home}/server.json`, "utf8")) as { pid: number }).pid;
}

/** Processor time of a process so far, its own and the system's for it, in milliseconds. */
function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  // In hundredths of a second.
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
