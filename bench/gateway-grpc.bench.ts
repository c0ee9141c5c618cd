import { startServer } from "#testing/start-server.ts";
import type { BenchRow } from "./bench-row.ts";
import { registerServices } from "./fixtures/register-service.ts";
import { startFixture } from "./fixtures/start-fixture.ts";
import { interleave } from "./interleave.ts";
import { proxyRow } from "./proxy-row.ts";

/** The gateway in front of a service that speaks gRPC alone, against the least that turns a POST into gRPC on Bun. */
export async function bench(): Promise<readonly BenchRow[]> {
  await using server = await startServer();
  await using backend = await startFixture("grpc-backend");
  await using proxy = await startFixture("bare-grpc-proxy", [backend.address]);
  await registerServices(server, [{ name: "plain", address: backend.address, endpoints: ["Plain.Call"] }]);
  const body = JSON.stringify({ name: "Jane" });
  const gateway = { address: server.addresses.gateway, pid: server.addresses.pid, path: "/plain/Call", body };
  const headers = { authorization: `Bearer ${await server.token()}` };
  const { bare, anonymous, token } = await interleave(
    {
      bare: { address: proxy.address, pid: proxy.pid, path: "/plain.Plain/Call", body },
      anonymous: gateway,
      token: { ...gateway, headers },
    },
    { rounds: 9, connections: 32, durationMs: 1_000 },
  );
  const common = { baseline: bare, name: "bare Bun HTTP/2 proxy", target: 0.8 };
  return [
    proxyRow({
      ...common,
      question: "gateway: JSON POST to a gRPC service, 32 connections, no token",
      ours: anonymous,
    }),
    proxyRow({ ...common, question: "gateway: the same with a bearer token and access rules", ours: token }),
  ];
}
