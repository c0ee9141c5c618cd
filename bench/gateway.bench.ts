import { startServer, type TestServer } from "#testing/start-server.ts";
import type { BenchRow } from "./bench-row.ts";
import { startFixture } from "./fixtures/start-fixture.ts";
import { interleave } from "./interleave.ts";
import { proxyRow } from "./proxy-row.ts";

const greeter = new URL("fixtures/greeter", import.meta.url).pathname;

/** The gateway against the least that a reverse proxy on Bun can do, both in front of the same service, in turn. */
export async function bench(): Promise<readonly BenchRow[]> {
  await using server = await startServer();
  const run = await server.micro(["run", greeter]);
  if (run.code !== 0) throw new Error(`micro run failed: ${run.stderr}${run.stdout}`);
  await using proxy = await startFixture("bare-proxy", toBackend(await backendAddress(server)));
  const body = JSON.stringify({ name: "Jane" });
  const gateway = { address: server.addresses.gateway, pid: server.addresses.pid, path: "/greeter/Call", body };
  const headers = { authorization: `Bearer ${await server.token()}` };
  const { bare, anonymous, token } = await interleave(
    {
      bare: { address: proxy.address, pid: proxy.pid, path: "/greeter.Greeter/Call", body },
      anonymous: gateway,
      token: { ...gateway, headers },
    },
    { rounds: 9, connections: 32, durationMs: 1_000 },
  );
  const question = "gateway: JSON POST to a TypeScript service, 32 connections, no token";
  const common = { baseline: bare, name: "bare Bun proxy" };
  return [
    proxyRow({ ...common, question, ours: anonymous, target: 0.8 }),
    proxyRow({
      ...common,
      question: "gateway: the same with a bearer token and access rules",
      ours: token,
      target: 0.75,
    }),
  ];
}

/** Where the service itself listens for HTTP/1.1, as the registry has it. */
export async function backendAddress(server: TestServer): Promise<string> {
  const found = await server.micro(["get", "service", "greeter", "--output", "json"]);
  const address = /"http": *"([^"]+)"/.exec(found.stdout)?.[1];
  if (address === undefined) throw new Error(`no http address in ${found.stdout}${found.stderr}`);
  return address;
}

/** Arguments of the bare proxy: a URL, and the socket file where there is one. */
function toBackend(address: string): readonly string[] {
  const isUnix = address.startsWith("unix:");
  return isUnix ? ["http://localhost", address.slice("unix:".length)] : [`http://${address}`];
}
