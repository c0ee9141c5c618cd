import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { createServer } from "node:net";
import { startServer, type TestServer } from "#testing/start-server.ts";
import { createTempFolder } from "#testing/temp-folder.ts";
import { waitUntil } from "#testing/wait-until.ts";
import { askOnAndOn, newTally } from "../wire/keep-alive-client.ts";
import { askEvery, askOnce, type Asked, type ProcessAnswer } from "./every-process.ts";
import { Caller, createAccount } from "./safety-world.ts";

const lab = new URL("../fixtures/lab-service", import.meta.url).pathname;
const workerCount = 2;
const processCount = workerCount + 1;

/** The processes of all workers that were ever started, as the log says. */
function workerPids(server: TestServer): number[] {
  return [...server.output().matchAll(/worker listens worker=\d+ pid=(\d+)/g)].map((match) => Number(match[1]));
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe("micro server --workers", () => {
  let server: TestServer;
  let token: string;
  let admin: Caller;

  beforeAll(async () => {
    server = await startServer({ args: ["--workers", String(workerCount)] });
    expect((await server.micro(["run", lab, "--name", "lab"])).code).toBe(0);
    token = await server.token();
    admin = new Caller(server, token);
  });
  afterAll(() => server[Symbol.asyncDispose]());

  const askAll = (asked: Asked): Promise<readonly ProcessAnswer[]> =>
    askEvery(server.addresses.gateway, asked, processCount);
  const bearer = (text: string): Record<string, string> => ({ authorization: `Bearer ${text}` });

  it("answers the same from every process", async () => {
    const large = "x".repeat(2_000_000);
    const write = { key: "pages/large", options: { namespace: "micro", public: true, contentType: "text/plain" } };
    const upload = new URLSearchParams({
      key: write.key,
      "options.public": "true",
      "options.contentType": "text/plain",
    });
    const written = await askOnce(server.addresses.gateway, {
      method: "POST",
      path: `/store/blobStore/write?${upload.toString()}`,
      headers: bearer(token),
      body: large,
    });
    expect(written).toMatchObject({ status: 200 });
    const json = { "content-type": "application/json" };
    const requests: readonly Asked[] = [
      { path: "/" },
      { path: "/ready" },
      { path: "//lab/say/hello" },
      { path: "/lab/say/hello?name=Ann&times=2" },
      { path: "/lab/say/hello?name=Ann", method: "HEAD" },
      { path: "/lab/say/hello", method: "POST", headers: json, body: '{"name":["Ann"]}' },
      { path: "/lab/call", headers: bearer(token) },
      { path: "/lab/count?to=3" },
      { path: "/lab/sum?value=1" },
      { path: "/lab/wave" },
      { path: "/nobody/call" },
      { path: "/lab/call", headers: bearer("nonsense") },
      { path: "/lab/call", headers: { ...bearer(token), "micro-namespace": "no name!" } },
      { path: "/lab/call", headers: { ...bearer(token), "micro-namespace": "elsewhere" } },
      { path: "/registry/listServices" },
      { path: "/registry/listServices", headers: bearer(token) },
      { path: "/registry/nothing", headers: bearer(token) },
      { path: "/store/blobStore/write", method: "POST", body: "no key" },
      { path: "/openapi.json" },
      { path: "/openapi.json", headers: bearer(token) },
      { path: "/blobs/micro/pages/large" },
      { path: "/blobs/micro/pages/large", method: "HEAD" },
      { path: "/blobs/micro/pages/large", headers: { range: "bytes=10-19" } },
      { path: "/blobs/micro/pages/large", headers: { range: "bytes=9999999-" } },
      { path: "/blobs/micro/pages/large", method: "POST" },
      { path: "/blobs/micro/nothing" },
      { path: "/lab/say/hello", method: "TRACE" },
    ];
    for (const asked of requests) {
      const [first, ...others] = (await askAll(asked)).map(toComparable);
      expect(first?.status).toBeGreaterThan(0);
      for (const other of others) expect({ asked, answer: other }).toEqual({ asked, answer: first ?? other });
    }
  });

  it("knows a service everywhere when the command that runs it has ended", async () => {
    const address = server.addresses.gateway;
    for (const name of ["fresh", "fruit", "fish"]) {
      await using folder = await createTempFolder();
      await writeService(folder.path, name, "there");
      expect((await server.micro(["run", folder.path, "--name", name])).code).toBe(0);
      const calls = Array.from({ length: 20 }, () => askOnce(address, { path: `/${name}/call` }));
      expect(new Set((await Promise.all(calls)).map(({ text }) => text))).toEqual(new Set(['{"msg":"there"}']));
    }
  });

  it("follows a rule everywhere, and writes down whom it kept out", async () => {
    const namespace = "micro";
    const { access } = await createAccount(server, { id: "guest", namespace, scopes: [] });
    const asked = { path: "/lab/call", headers: bearer(access) };
    expect(new Set((await askAll(asked)).map(({ status }) => status))).toEqual(new Set([200]));
    const rule = {
      id: "no-guests",
      access: 2,
      priority: 10,
      resource: { type: "service", name: "lab", endpoint: "*" },
      scope: "*",
    };
    await admin.get("auth", "Rules.Create", { rule, options: { namespace } });
    await waitUntil("every process to keep the guest out", async () => {
      const answers = await askAll(asked);
      return answers.every(({ status }) => status === 403);
    });
    await admin.get("auth", "Rules.Delete", { id: rule.id, options: { namespace } });
    // What was given is there at once: a process that has not heard of it asks.
    const answers = await Promise.all(Array.from({ length: 20 }, () => askOnce(server.addresses.gateway, asked)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    const log = await admin.get("auth", "Audit.Read", { options: { namespace }, account: "guest" });
    const refused = (log as { entries: { subject: string; address: string; action: string }[] }).entries.filter(
      ({ action }) => action === "refused",
    );
    expect(new Set(refused.map(({ subject, address }) => `${subject} ${address}`))).toEqual(
      new Set(["lab:Lab.Call 127.0.0.1"]),
    );
  });

  it("takes no token any more that was revoked, in any process", async () => {
    const { access } = await createAccount(server, { id: "leaver", namespace: "elsewhere", scopes: [] });
    const asked = { path: "/lab/call", headers: { ...bearer(access), "micro-namespace": "elsewhere" } };
    expect(new Set((await askAll(asked)).map(({ status }) => status))).toEqual(new Set([404]));
    await admin.get("auth", "Accounts.Revoke", { id: "leaver", options: { namespace: "elsewhere" } });
    await waitUntil("every process to refuse the token", async () => {
      const answers = await askAll(asked);
      return answers.every(({ status }) => status === 401);
    });
  });

  it("makes those who guess secrets wait, whichever process they come to", async () => {
    await createAccount(server, { id: "guessed", namespace: "micro", scopes: [] });
    const headers = { "content-type": "application/json" };
    const asked = {
      method: "POST",
      path: "/auth/token",
      headers,
      body: JSON.stringify({ id: "guessed", secret: "wrong", options: { namespace: "micro" } }),
    };
    const statuses = new Set<number>();
    await waitUntil("the wait to begin", async () => {
      const { status } = await askOnce(server.addresses.gateway, asked);
      statuses.add(status);
      return status === 429;
    });
    expect(statuses).toEqual(new Set([400, 429]));
  });

  it("shows the new source everywhere when update has ended, and fails no request meanwhile", async () => {
    await using folder = await createTempFolder();
    await writeService(folder.path, "shop", "old");
    expect((await server.micro(["run", folder.path, "--name", "shop"])).code).toBe(0);
    const asked = { path: "/shop/call" };
    expect(new Set((await askAll(asked)).map(({ text }) => text))).toEqual(new Set(['{"msg":"old"}']));
    await writeService(folder.path, "shop", "new");
    const tally = newTally();
    let isOver = false;
    const sent = "GET /shop/call HTTP/1.1\r\nhost: localhost\r\n\r\n";
    const clients = Array.from({ length: 8 }, () => askOnAndOn(server.addresses.gateway, sent, tally, () => isOver));
    expect((await server.micro(["update", folder.path, "--name", "shop"])).code).toBe(0);
    isOver = true;
    await Promise.all(clients);
    expect({ answers: [...tally.answers.keys()], lost: tally.lost }).toEqual({ answers: [200], lost: 0 });
    await waitUntil("every process to call the new source", async () => {
      const answers = await askAll(asked);
      return answers.every(({ status, text }) => status === 200 && text === '{"msg":"new"}');
    });
  });

  it("goes on when a worker is killed under load, and starts another", async () => {
    const [victim = 0] = workerPids(server).filter(isAlive);
    const tally = newTally();
    const sent = "GET /lab/call HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let isOver = false;
    const clients = Array.from({ length: 16 }, () => askOnAndOn(server.addresses.gateway, sent, tally, () => isOver));
    const answered = (): number => tally.answers.get(200) ?? 0;
    await waitUntil("the load to run", () => answered() > 500);
    const before = workerPids(server).length;
    process.kill(victim, "SIGKILL");
    const atKill = answered();
    await waitUntil("the others to answer on", () => answered() > atKill + 500);
    await waitUntil("a new worker to listen", () => workerPids(server).length > before);
    isOver = true;
    await Promise.all(clients);
    // Nothing but the connections of the dead process was lost: no answer was a failure.
    expect([...tally.answers.keys()]).toEqual([200]);
    expect(tally.lost).toBeLessThan(16);
    expect(isAlive(victim)).toBe(false);
    expect((await askAll({ path: "/lab/call" })).map(({ status }) => status)).toEqual([200, 200, 200]);
  });

  it("ends a worker that hangs, and starts another", async () => {
    const [victim = 0] = workerPids(server).filter(isAlive);
    const before = workerPids(server).length;
    process.kill(victim, "SIGSTOP");
    await waitUntil("another to listen in its place", () => workerPids(server).length > before);
    expect(isAlive(victim)).toBe(false);
    expect((await askAll({ path: "/lab/call" })).map(({ status }) => status)).toEqual([200, 200, 200]);
  });

  it("lets no second server take half of its calls", async () => {
    const args = ["server", `--gateway-address=${server.addresses.gateway}`, "--workers=2", "--proxy-address=0"];
    await using folder = await createTempFolder();
    const env = { MICRO_HOME: folder.path };
    const others = ["--network-address=0", "--registry-address=off", "--broker-address=off"];
    const second = await server.micro([...args, ...others], { env });
    expect(second.code).toBe(1);
    expect(second.stderr).toContain(`${server.addresses.gateway} is in use by another program`);
  });
});

describe("the processes of a server with workers", () => {
  it("end with the main process, and the next one has their ports at once", async () => {
    const ports = await freePorts(3);
    const [gateway, proxy, network] = ports.map((port) => `127.0.0.1:${port}`);
    const args = [`--gateway-address=${gateway}`, `--proxy-address=${proxy}`, `--network-address=${network}`];
    await using server = await startServer({ args: [...args, "--workers=2"] });
    for (let round = 0; round < 3; round += 1) {
      const pids = workerPids(server).slice(-workerCount);
      expect(pids.every(isAlive)).toBe(true);
      await server.kill(round === 2 ? "SIGTERM" : "SIGKILL");
      await waitUntil("the workers to end", () => !pids.some(isAlive));
      if (round < 2) await server.start();
      if (round < 2) expect(await askEvery(server.addresses.gateway, { path: "/" }, processCount)).toHaveLength(3);
    }
  });

  it("start only as a part of a server", async () => {
    await using server = await startServer();
    const alone = await server.micro(["__worker"]);
    expect(alone).toMatchObject({ code: 1 });
    expect(alone.stderr).toContain("workers are started by micro server --workers, not by hand");
    const many = await server.micro(["server", "--workers", "many"]);
    expect(many.stderr).toContain('--workers "many" is not a number of processes; write 0 to 256');
  });
});

/** A service that says `msg`. */
function writeService(folder: string, name: string, msg: string): Promise<number> {
  const handle = `() => ({ msg: ${JSON.stringify(msg)} })`;
  return Bun.write(
    `${folder}/index.ts`,
    `import { service, z } from "micro-ts";
const it = service(${JSON.stringify(name)});
it.endpoint("Call", { request: z.object({}), response: z.object({ msg: z.string() }), handle: ${handle} });
await it.run();
`,
  );
}

/** What must not differ from process to process. */
function toComparable({ status, headers, text }: ProcessAnswer): Omit<ProcessAnswer, "process"> {
  // A stream that is over before its first byte leaves has a length, and one that takes a moment longer is in chunks.
  const { "content-length": _length, "transfer-encoding": _chunks, ...rest } = headers;
  const { "x-request-id": _id, date: _date, ...others } = rest;
  return { status, headers: others, text: text.replace(/"remainingMs":\d+/, '"remainingMs":0') };
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = servers.map(
    (server) =>
      new Promise<number>((resolve) => {
        server.listen(0, "127.0.0.1", () => {
          const address = server.address();
          resolve(typeof address === "object" && address !== null ? address.port : 0);
        });
      }),
  );
  const given = await Promise.all(ports);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return given;
}
