import { describe, expect, it } from "bun:test";
import { startServer, type TestServer } from "#testing/start-server.ts";
import { createTempFolder } from "#testing/temp-folder.ts";
import { waitUntil } from "#testing/wait-until.ts";

/** Calls without a pause, through the gateway and from a service to another, while services are replaced under them. */
describe.each([0, 1])("calls to services that are replaced, at a server with %d workers", (workers) => {
  it("never fail, across update, scale, restart, rollback, canary and promote", async () => {
    await using server = await startServer({ args: [`--workers=${workers}`] });
    await using temp = await createTempFolder();
    await writeServices(temp.path);
    const micro = async (...args: string[]): Promise<void> => {
      const { code, stderr } = await server.micro(args);
      if (code !== 0) throw new Error(`micro ${args.join(" ")}: ${stderr}`);
    };
    await micro("run", `${temp.path}/worker`, "--instances", "2", "--env-vars", "ANSWER=one");
    await micro("run", `${temp.path}/plain`, "--instances", "2", "--env-vars", "ANSWER=one");
    await micro("run", `${temp.path}/web`, "--instances", "2", "--env-vars", "ANSWER=one");
    await micro("run", `${temp.path}/caller`);
    await using load = startLoad(server, ["worker/Say/Hello", "plain/Say/Hello", "web/Request"], 3);
    for (const [name, path] of [
      ["worker", "worker/Say/Hello"],
      ["plain", "plain/Say/Hello"],
      ["web", "web/Request"],
    ] as const) {
      const saw = (answer: string): Promise<true> =>
        waitUntil(`${name} answers ${answer}`, () => load.answers.get(`${path} ${answer}`) !== undefined);
      await micro("update", `${temp.path}/${name}`, "--env-vars", "ANSWER=two");
      await saw("two");
      await micro("scale", name, "4");
      await micro("scale", name, "1");
      await micro("restart", name);
      await micro("update", `${temp.path}/${name}`, "--env-vars", "ANSWER=three", "--canary", "40");
      await saw("three");
      load.answers.clear();
      await saw("two");
      await micro("promote", name);
      load.answers.clear();
      await saw("three");
      expect(load.answers.get(`${path} two`)).toBeUndefined();
      await micro("rollback", name);
      load.answers.clear();
      await saw("two");
      expect(load.answers.get(`${path} three`)).toBeUndefined();
    }
    await load.stop();
    expect(load.failures).toEqual([]);
    const counts = await callerCounts(server);
    expect(counts.failed).toBe("");
    expect(counts.done).toBeGreaterThan(100);
  });
});

interface Load extends AsyncDisposable {
  /** Counts by path and answer. */
  readonly answers: Map<string, number>;
  /** What went wrong, once for each failed call. */
  readonly failures: readonly string[];
  stop(): Promise<void>;
}

/** @param count callers for each path, one call at a time each. */
function startLoad(server: TestServer, paths: readonly string[], count: number): Load {
  const answers = new Map<string, number>();
  const failures: string[] = [];
  const over = new AbortController();
  const run = async (path: string): Promise<void> => {
    while (!over.signal.aborted) {
      try {
        const response = await fetch(`http://${server.addresses.gateway}/${path}`, { method: "POST", body: "{}" });
        const text = await response.text();
        if (response.status !== 200) failures.push(`${path}: ${response.status} ${text}`);
        else {
          const key = `${path} ${(JSON.parse(text) as { msg: string }).msg}`;
          answers.set(key, (answers.get(key) ?? 0) + 1);
        }
      } catch (reason) {
        failures.push(`${path}: ${String(reason)}`);
      }
    }
  };
  const running = paths.flatMap((path) => Array.from({ length: count }, () => run(path)));
  const stop = async (): Promise<void> => {
    over.abort();
    await Promise.all(running);
  };
  return { answers, failures, stop, [Symbol.asyncDispose]: stop };
}

async function callerCounts(server: TestServer): Promise<{ readonly done: number; readonly failed: string }> {
  const response = await fetch(`http://${server.addresses.gateway}/caller/Load/Counts`, { method: "POST", body: "{}" });
  return (await response.json()) as { done: number; failed: string };
}

async function writeServices(folder: string): Promise<void> {
  await Bun.write(
    `${folder}/worker/index.ts`,
    `import { service, z } from "micro-ts";
    const worker = service("worker", { version: "1.0.0" });
    worker.endpoint("Say.Hello", {
      description: "Takes a moment.",
      request: z.object({}),
      response: z.object({ msg: z.string() }),
      handle: async () => {
        await new Promise((resolve) => setTimeout(resolve, 20));
        return { msg: process.env.ANSWER ?? "" };
      },
    });
    await worker.run();`,
  );
  await Bun.write(
    `${folder}/caller/index.ts`,
    `import { service, z } from "micro-ts";
    const caller = service("caller", { version: "1.0.0" });
    let done = 0;
    let failed = "";
    let isRunning = false;
    caller.endpoint("Load.Counts", {
      description: "What became of the calls.",
      request: z.object({}),
      response: z.object({ done: z.number(), failed: z.string() }),
      handle: async () => ({ done, failed }),
    });
    caller.onStart(({ call }) => {
      const run = async () => {
        for (;;) {
          try {
            await call("worker", "Say.Hello", {});
            await call("plain", "Say.Hello", {});
            done += 1;
          } catch (reason) {
            failed += String(reason) + "\\n";
          }
        }
      };
      void run();
      void run();
    });
    await caller.run();`,
  );
  // Knows nothing of Micro, and ends the moment that it is told to.
  await Bun.write(
    `${folder}/web/index.ts`,
    `Bun.serve({ hostname: "127.0.0.1", port: Number(process.env.PORT), fetch: async () => {
      await Bun.sleep(40);
      return Response.json({ msg: process.env.ANSWER });
    } });`,
  );
  // Speaks for itself, and ends the moment that it is told to, with whatever it was doing.
  await Bun.write(
    `${folder}/plain/index.ts`,
    `const { MICRO_SERVICE_NETWORK: network, MICRO_NAMESPACE: domain, MICRO_CLIENT_ID: id, MICRO_CLIENT_SECRET: secret, ANSWER: msg } = process.env;
    const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: async ({ url }) => {
      if (url.endsWith("/Health/Check")) return Response.json({ status: "SERVING" });
      await Bun.sleep(40);
      return Response.json({ msg });
    } });
    const post = async (path, body, token = "") => {
      const headers = { "content-type": "application/json", ...(token === "" ? {} : { authorization: "Bearer " + token }) };
      return (await fetch("http://" + network + path, { method: "POST", headers, body: JSON.stringify(body) })).json();
    };
    const { token } = await post("/auth.Auth/Token", { id, secret, options: { namespace: domain } });
    const address = "127.0.0.1:" + server.port;
    await post("/registry.Registry/Register", {
      name: "plain", version: "1", nodes: [{ id: "plain-" + process.pid, address, metadata: { http: address } }],
      endpoints: [{ name: "Say.Hello", request: { name: "Q", type: "Q", values: [] }, response: { name: "A", type: "A", values: [{ name: "msg", type: "string", values: [] }] }, metadata: {} }],
      options: { ttl: "90", domain },
    }, token.access_token);`,
  );
}
