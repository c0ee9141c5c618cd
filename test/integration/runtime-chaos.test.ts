import { describe, expect, it } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { delay } from "#base/lifecycle.ts";
import { readProcessMark } from "#core/runtime/process-mark.ts";
import { findFreePort } from "#testing/free-port.ts";
import { startServer, type TestServer } from "#testing/start-server.ts";
import { createTempFolder } from "#testing/temp-folder.ts";
import { waitUntil } from "#testing/wait-until.ts";

/** The long run: MICRO_CHAOS_SECONDS=600 bun test test/integration/runtime-chaos.test.ts --timeout 3600000 */
const chaosMs = Number(process.env["MICRO_CHAOS_SECONDS"] ?? "4") * 1_000;

/** What is declared: how many processes each service may have. More than one number: a command was cut off. */
type Declared = Map<string, Set<number>>;

interface Shown {
  readonly name: string;
  readonly instances: readonly { readonly pid: number; readonly status: string }[];
}

describe("services and their server, killed at random", () => {
  it.skipIf(process.platform !== "linux")(
    `are as declared afterwards, without orphan or duplicate, after ${chaosMs / 1_000} s (set MICRO_CHAOS_SECONDS)`,
    async () => {
      await using server = await startServer({ args: [`--network-address=${await findFreePort()}`] });
      await using temp = await createTempFolder();
      const declared: Declared = new Map();
      for (const [name, count] of [
        ["one", 1],
        ["two", 2],
        ["three", 3],
      ] as const) {
        await writeService(`${temp.path}/${name}`, name);
        expect((await server.micro(["run", `${temp.path}/${name}`, "--instances", String(count)])).code).toBe(0);
        declared.set(name, new Set([count]));
      }
      const endMs = performance.now() + chaosMs;
      while (performance.now() < endMs) await disturb(server, declared);
      const shown = await untilQuiet(server, declared);
      for (const { name, instances } of shown) expect(declared.get(name)).toContain(instances.length);
      const pids = shown.flatMap(({ instances }) => instances.map(({ pid }) => pid));
      await waitUntil("the processes are those of the status, and no others", () => {
        const found = servicePids(server.home);
        return found.size === pids.length && pids.every((pid) => found.has(pid));
      });
      for (const name of declared.keys()) {
        const answer = await fetch(`http://${server.addresses.gateway}/${name}/Say/Hello`, {
          method: "POST",
          body: "{}",
        });
        expect({ name, status: answer.status }).toEqual({ name, status: 200 });
      }
    },
  );
});

/** One thing that goes wrong, or two at the same time. */
async function disturb(server: TestServer, declared: Declared): Promise<void> {
  const name = [...declared.keys()][Math.floor(Math.random() * declared.size)] ?? "";
  const kind = Math.random();
  if (kind < 0.4) {
    killOne(server.home);
    return delay(Math.random() * 200);
  }
  if (kind < 0.6) {
    await delay(Math.random() * 300);
    await server.kill(Math.random() < 0.8 ? "SIGKILL" : "SIGTERM");
    killOne(server.home);
    return server.start();
  }
  const count = 1 + Math.floor(Math.random() * 4);
  const change = kind < 0.8 ? ["scale", name, String(count)] : ["restart", name];
  const changing = server.micro([...change, "--timeout", "10s"]);
  if (Math.random() < 0.5) {
    await delay(100 + Math.random() * 800);
    await server.kill("SIGKILL");
    await server.start();
  }
  const { code } = await changing;
  if (change[0] !== "scale") return;
  const before = declared.get(name) ?? new Set();
  declared.set(name, code === 0 ? new Set([count]) : new Set([...before, count]));
}

/** A process of a service, whichever it is. */
function killOne(home: string): void {
  const pids = [...servicePids(home)];
  const pid = pids[Math.floor(Math.random() * pids.length)];
  if (pid === undefined || readProcessMark(pid) === undefined) return;
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended by itself in this moment.
  }
}

async function untilQuiet(server: TestServer, declared: Declared): Promise<readonly Shown[]> {
  return waitUntil("every process of every service runs", async () => {
    const { stdout } = await server.micro(["status", "--output", "json"]);
    const shown = JSON.parse(stdout) as Shown[];
    const isWhole = ({ instances }: Shown): boolean => instances.every(({ status }) => status === "running");
    return shown.length === declared.size && shown.every(isWhole) ? shown : undefined;
  });
}

/** Everything that lives and was started as a service of this home, known by its environment. */
function servicePids(home: string): ReadonlySet<number> {
  const mark = `HOME=${home}/runtime/work/`;
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && readEnvironment(name).includes(mark));
  return new Set(pids.map(Number).filter((pid) => readProcessMark(pid) !== undefined));
}

function readEnvironment(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, "latin1");
  } catch {
    return "";
  }
}

async function writeService(folder: string, name: string): Promise<void> {
  const program = `
    import { service, z } from "micro-ts";
    const made = service("${name}", { version: "1.0.0" });
    made.endpoint("Say.Hello", { description: "Says nothing.", request: z.object({}), response: z.object({}), handle: async () => ({}) });
    setInterval(() => console.log("alive"), 100);
    await made.run();`;
  await Bun.write(`${folder}/index.ts`, program);
}
