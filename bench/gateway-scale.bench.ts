import { systemClock } from "#base/clock.ts";
import { resolveHome } from "#base/home.ts";
import { silentLogger } from "#base/logger.ts";
import { openSigningKeys } from "#core/auth/signing-keys.ts";
import { TokenCodec } from "#core/auth/token-codec.ts";
import { startServer, type TestServer } from "#testing/start-server.ts";
import type { BenchRow } from "./bench-row.ts";
import { registerServices } from "./fixtures/register-service.ts";
import { backendAddress } from "./gateway.bench.ts";
import { interleave } from "./interleave.ts";
import { proxyRow } from "./proxy-row.ts";

const greeter = new URL("fixtures/greeter", import.meta.url).pathname;
const body = JSON.stringify({ name: "Jane" });

/** Whether a gateway is as fast with 1,000 services and 1,000 accounts that call them as with one of each. */
export async function bench(): Promise<readonly BenchRow[]> {
  await using one = await startServer();
  await using many = await startServer();
  const small = await prepare(one, 1);
  const large = await prepare(many, 1_000);
  const results = await interleave({ small, large }, { rounds: 15, connections: 32, durationMs: 1_000 });
  return [
    proxyRow({
      question: "gateway: 1,000 routes called by 1,000 accounts, 32 connections",
      ours: results.large,
      baseline: results.small,
      name: "one route, one account",
      target: 0.9,
    }),
  ];
}

/** A server with so many services, which are all one process, and the calls of so many accounts to them. */
async function prepare(server: TestServer, size: number) {
  const run = await server.micro(["run", greeter]);
  if (run.code !== 0) throw new Error(`micro run failed: ${run.stderr}${run.stdout}`);
  const http = await backendAddress(server);
  const numbers = Array.from({ length: size }, (_, index) => index);
  const address = "127.0.0.1:9";
  await registerServices(
    server,
    numbers.map((each) => ({ name: `shop${each}`, address, http, endpoints: ["Greeter.Call"] })),
  );
  const tokens = await signTokens(server, size);
  const requests = tokens.map((token, index) => ({
    path: `/shop${index}/greeter/call`,
    headers: { authorization: `Bearer ${token}` },
  }));
  return { address: server.addresses.gateway, pid: server.addresses.pid, path: "/", body, requests };
}

/** Access tokens as the server makes them, without a login for each, which takes a twentieth of a second of hashing. */
async function signTokens(server: TestServer, count: number): Promise<string[]> {
  const keys = await openSigningKeys(resolveHome(server.env));
  const codec = new TokenCodec({ keys, clock: systemClock, logger: silentLogger });
  const expiresAtMs = Date.now() + 3_600_000;
  const tokens: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const id = `account${index}`;
    const account = { id, type: "user", namespace: "micro", name: id, scopes: ["shop"], metadata: {} };
    tokens.push(await codec.sign("access", { account, generation: Date.now(), expiresAtMs }));
  }
  return tokens;
}
