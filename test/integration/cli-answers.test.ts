import { describe, expect, it } from "bun:test";
import { createTempFolder } from "#testing/temp-folder.ts";
import { answering, failure, json, stream, type Answer } from "./answering-server.ts";

const scalar = (name: string, type: string): object => ({ name, type, values: [] });

/** A service as the registry tells of it. */
function registered(
  name: string,
  endpoints: Readonly<Record<string, { kind?: string; fields?: readonly object[] }>>,
): Answer {
  return json({
    services: [
      {
        name,
        version: "latest",
        endpoints: Object.entries(endpoints).map(([endpoint, { kind, fields = [] }]) => ({
          name: endpoint,
          request: { name: "Request", type: "Request", values: fields },
          response: { name: "Response", type: "Response", values: [] },
          metadata: kind === undefined ? {} : { kind, stream: "true" },
        })),
        nodes: [{ id: `${name}-1`, address: "127.0.0.1:9", metadata: { protocol: "grpc" } }],
      },
    ],
  });
}

describe("the exit code", () => {
  it.each([
    [401, "an account is required", 2, 'Not authorized to perform this request: log in with "micro login"'],
    [403, "access denied", 127, "access denied"],
    [408, "context deadline exceeded", 1, "Request timed out"],
    [500, "service x: route not found", 4, 'Service "x" not found'],
    [501, "unknown service X.Y", 5, 'Service method "X.Y" not found'],
    [400, 'malformed method name: "Call"', 3, 'Method name "Call" invalid format. Expecting service.endpoint'],
    [418, "short and stout", 127, "short and stout"],
    [500, "two\nlines", 127, "two lines"],
  ])("of an answer %d that says %p", async (status, detail, code, text) => {
    await using server = await answering({ "/x.X/Y": () => failure(status, detail) });
    expect(await server.micro(["call", "x", "X.Y"])).toEqual({ code, stdout: "", stderr: `${text}\n` });
  });

  it("is 127 for an answer that is none of ours", async () => {
    await using server = await answering({
      "/x.X/Html": () => new Response("<html>\nBad Gateway", { status: 502 }),
      "/x.X/Moved": () => Response.redirect("http://127.0.0.1:1/"),
      "/x.X/Text": () => new Response("hello"),
    });
    for (const endpoint of ["X.Html", "X.Moved", "X.Text"]) {
      const { code, stderr } = await server.micro(["call", "x", endpoint]);
      expect({ code, isOneLine: /^the server answered with [^\n]+\n$/.test(stderr) }).toEqual({
        code: 127,
        isOneLine: true,
      });
    }
  });
});

describe("micro call", () => {
  it("sends numbers with all their digits and prints the answer indented with a tab", async () => {
    await using server = await answering({ "/x.X/Y": json({ msg: "hi", n: "9007199254740993" }) });
    const result = await server.micro([
      "call",
      "x",
      "X.Y",
      '{"a": 1}',
      "--metadata",
      "Trace=7",
      "--request_timeout=5s",
    ]);
    expect(result).toEqual({ code: 0, stdout: '{\n\t"msg": "hi",\n\t"n": "9007199254740993"\n}\n', stderr: "" });
    expect(server.asked[0]?.messages).toEqual([{ a: 1 }]);
    expect(server.asked[0]?.headers.get("trace")).toBe("7");
    expect(server.asked[0]?.headers.get("timeout")).toBe("5000000000");
    expect(server.asked[0]?.headers.get("micro-namespace")).toBe("micro");
  });

  it("prints one line with --output raw and reads the body from standard input", async () => {
    await using server = await answering({ "/x.X/Y": json({ msg: "hi" }) });
    const result = await server.micro(["call", "x", "X.Y", "-", "--output=raw"], { stdin: '{"b":2}' });
    expect(result).toMatchObject({ code: 0, stdout: '{"msg":"hi"}\n' });
    expect(server.asked[0]?.messages).toEqual([{ b: 2 }]);
  });
});

describe("a service as a command", () => {
  const registry = {
    "/registry.Registry/GetService": registered("my-svc", {
      "MySvc.Call": {
        fields: [
          scalar("name", "string"),
          scalar("count", "int64"),
          scalar("loud", "bool"),
          scalar("namespace", "string"),
        ],
      },
      "MySvc.Watch": { kind: "server_stream", fields: [scalar("count", "int32")] },
      "MySvc.PingPong": { kind: "bidi_stream", fields: [scalar("stroke", "int64")] },
    }),
  };

  it("calls an endpoint with the flags that its schema has", async () => {
    await using server = await answering({ ...registry, "/my-svc.MySvc/Call": json({ msg: "hi" }) });
    const line = ["my-svc", "call", "--name", "a=b", "--loud", "--count=-3", "--namespace=field"];
    expect(await server.micro(line)).toMatchObject({ code: 0, stdout: '{\n\t"msg": "hi"\n}\n' });
    expect(server.asked.at(-1)?.messages).toEqual([{ name: "a=b", loud: true, count: -3, namespace: "field" }]);
    expect(server.asked.at(-1)?.headers.get("micro-namespace")).toBe("micro");
    await server.micro(["--namespace", "foo", "my-svc", "--name=x"]);
    expect(server.asked.at(-1)?.messages).toEqual([{ name: "x" }]);
    expect(server.asked.at(-1)?.headers.get("micro-namespace")).toBe("foo");
  });

  it("prints help on standard output", async () => {
    await using server = await answering(registry);
    const service = await server.micro(["my-svc"]);
    expect(service).toMatchObject({ code: 0, stderr: "" });
    expect(service.stdout).toContain("COMMANDS:\n   call\n   pingPong\n   watch\n");
    const endpoint = await server.micro(["my-svc", "call", "--help"]);
    expect(endpoint.stdout).toContain("FLAGS:\n   --name string\n   --count int64\n   --loud bool\n");
  });

  it("says what is wrong with the line", async () => {
    await using server = await answering(registry);
    const refused = async (...args: string[]): Promise<unknown> => {
      const { code, stderr } = await server.micro(["my-svc", ...args]);
      return [code, stderr];
    };
    expect(await refused("nope")).toEqual([128, 'Endpoint nope not found for service my-svc; see "micro my-svc"\n']);
    expect(await refused("call", "--nope=1")).toEqual([128, "Unknown flag: nope\n"]);
    expect(await refused("a", "b", "c")).toEqual([128, "Incorrect number of arguments\n"]);
    expect(await refused("call", "--count=x")).toEqual([
      1,
      'Invalid value "x" for --count: it is of type int64, a whole number\n',
    ]);
  });

  it("prints each message of a stream, ended by a newline", async () => {
    await using server = await answering({ ...registry, "/my-svc.MySvc/Watch": () => stream([{ n: 1 }, { n: 2 }]) });
    expect(await server.micro(["my-svc", "watch", "--count=2"])).toMatchObject({
      code: 0,
      stdout: '{\n\t"n": 1\n}\n{\n\t"n": 2\n}\n',
    });
    expect(server.asked.at(-1)?.messages).toEqual([{ count: 2 }]);
  });

  it("sends the lines of standard input to an endpoint that takes many messages", async () => {
    await using server = await answering({ ...registry, "/my-svc.MySvc/PingPong": (messages) => stream(messages) });
    const stdin = '{"stroke":1}\n\n{"stroke":2}';
    expect(await server.micro(["my-svc", "ping-pong", "-o", "raw"], { stdin })).toMatchObject({
      code: 0,
      stdout: '{"stroke":1}\n{"stroke":2}\n',
    });
    const broken = await server.micro(["stream", "my-svc", "MySvc.PingPong"], { stdin: '{"stroke":1}\nnope\n' });
    expect(broken).toMatchObject({ code: 1, stdout: "" });
    expect(broken.stderr).toContain("line 2 of standard input is not JSON");
  });

  it("reports a stream that ends with an error or is cut off", async () => {
    const end = { error: { code: "permission_denied", message: "not yours" } };
    await using server = await answering({ ...registry, "/my-svc.MySvc/Watch": () => stream([{ n: 1 }], end) });
    expect(await server.micro(["my-svc", "watch", "-o=raw", "--count=1"])).toEqual({
      code: 127,
      stdout: '{"n":1}\n',
      stderr: "not yours\n",
    });
    await using cut = await answering({
      ...registry,
      "/my-svc.MySvc/Watch": () => new Response(new Uint8Array([0, 0, 0, 0, 9, 1])),
    });
    expect(await cut.micro(["my-svc", "watch", "--count=1"])).toMatchObject({
      code: 127,
      stderr: "the answer ended inside a message\n",
    });
  });
});

describe("micro run", () => {
  it("uploads, creates, waits until it runs, and keeps standard output empty", async () => {
    let reads = 0;
    await using server = await answering({
      "/runtime.Runtime/Read": () => {
        reads += 1;
        const status = [0, 3, 3, 4][reads - 1] ?? 4;
        return Response.json({ services: reads === 1 ? [] : [{ name: "svc", version: "latest", status }] });
      },
      "/runtime.Source/Upload": () => stream([{ id: "abc" }]),
      "/runtime.Runtime/Create": json({}),
    });
    await using folder = await createTempFolder();
    await Bun.write(`${folder.path}/svc/index.ts`, "1");
    const line = ["run", "./svc", "--env_vars", "A=1,B=x=y", "-i", "2", "--", "--port", "1"];
    expect(await server.micro(line, { cwd: folder.path })).toEqual({ code: 0, stdout: "", stderr: "svc is running\n" });
    const [upload] = server.asked.filter(({ path }) => path === "/runtime.Source/Upload");
    expect(upload?.messages[0]).toMatchObject({ service: { name: "svc", version: "latest" } });
    const [create] = server.asked.filter(({ path }) => path === "/runtime.Runtime/Create");
    expect(create?.messages).toEqual([
      {
        resource: {
          service: { name: "svc", version: "latest", source: "abc", metadata: { source: `${folder.path}/svc` } },
        },
        options: {
          namespace: "micro",
          command: [],
          args: ["--port", "1"],
          env: ["A=1", "B=x=y"],
          entrypoint: "",
          instances: 2,
          runner: "",
          memory: 0,
          cpu: 0,
          force: false,
        },
      },
    ]);
    expect(reads).toBe(4);
  });

  it("gives the reason when the service does not start, and refuses one that runs", async () => {
    const services = [{ name: "svc", version: "latest", status: 7, error: "SyntaxError in index.ts:3" }];
    await using server = await answering({
      "/runtime.Runtime/Read": () => Response.json({ services }),
      "/runtime.Source/Upload": () => stream([{ id: "abc" }]),
      "/runtime.Runtime/Create": json({}),
    });
    await using folder = await createTempFolder();
    await Bun.write(`${folder.path}/svc/index.ts`, "1");
    expect(await server.micro(["run", "svc"], { cwd: folder.path })).toEqual({
      code: 1,
      stdout: "",
      stderr: 'svc cannot run: SyntaxError in index.ts:3; see "micro logs svc"\n',
    });
    services[0] = { name: "svc", version: "latest", status: 4, error: "" };
    expect(await server.micro(["run", "svc"], { cwd: folder.path })).toEqual({
      code: 1,
      stdout: "",
      stderr: 'svc is already running; use "micro update" to replace it\n',
    });
  });
});

describe("a service that registers under another name than its deployment's", () => {
  it("is shown with both names", async () => {
    const instances = [{ id: "new", status: 4 }];
    const service = { name: "svc", version: "latest", status: 4, metadata: { service: "greeter" }, instances };
    let isThere = false;
    await using server = await answering({
      "/runtime.Runtime/Read": () => Response.json({ services: isThere ? [service] : [] }),
      "/runtime.Source/Upload": () => stream([{ id: "abc" }]),
      "/runtime.Runtime/Create": () => {
        isThere = true;
        return Response.json({});
      },
      "/runtime.Runtime/Update": () => {
        instances[0] = { id: "newer", status: 4 };
        return Response.json({});
      },
    });
    await using folder = await createTempFolder();
    await Bun.write(`${folder.path}/svc/index.ts`, "1");
    for (const command of ["run", "update"]) {
      const result = await server.micro([command, "svc"], { cwd: folder.path });
      expect(result).toEqual({ code: 0, stdout: "", stderr: "svc is running as service greeter\n" });
    }
    expect((await server.micro(["status"])).stdout).toContain("owner=n/a, group=n/a, service=greeter");
  });
});

describe("micro status and micro logs", () => {
  it("print columns, and lines as the service wrote them", async () => {
    const started = Math.floor(Date.now() / 1_000) - 64;
    const service = {
      name: "svc",
      version: "latest",
      source: "id",
      status: 7,
      error: "exit code 1",
      started: String(started),
      metadata: { source: "/home/u/svc", owner: "admin", group: "micro" },
      instances: [{ id: "i1", pid: 4711, status: 4, restarts: 2 }],
    };
    await using server = await answering({
      "/runtime.Runtime/Read": json({ services: [service] }),
      "/runtime.Runtime/Logs": () => stream([{ message: "one", timestamp: "1000" }, { message: "two\ttabs" }]),
    });
    expect((await server.micro(["status"])).stdout).not.toContain("service=");
    const [header, row] = (await server.micro(["status"])).stdout.split("\n");
    expect(header?.split(/ {2,}/)).toEqual(["NAME", "VERSION", "SOURCE", "STATUS", "BUILD", "UPDATED", "METADATA"]);
    expect(row?.split(/ {2,}/)).toEqual([
      "svc",
      "latest",
      "/home/u/svc",
      "error",
      "n/a",
      expect.stringMatching(/^1m\d+s ago$/) as unknown as string,
      "owner=admin, group=micro, error=exit code 1",
    ]);
    const shown = JSON.parse((await server.micro(["status", "-o", "json"])).stdout) as unknown;
    expect(shown).toMatchObject([{ instances: [{ id: "i1", pid: 4711, status: "running", restarts: 2 }] }]);
    expect((await server.micro(["logs", "svc@v1", "-n", "2", "-f"])).stdout).toBe("one\ntwo\ttabs\n");
    expect(server.asked.at(-1)?.messages).toEqual([
      { service: "svc", version: "v1", stream: true, count: 2, since: 0, options: { namespace: "micro" } },
    ]);
    const [line = ""] = (await server.micro(["logs", "svc", "-o", "json"])).stdout.split("\n");
    expect(JSON.parse(line)).toMatchObject({ Message: "one", Metadata: {}, timestamp: "1970-01-01T00:00:01.000Z" });
  });
});

describe("micro login", () => {
  const token = { token: { access_token: "secret-token", refresh_token: "r", created: "1", expiry: "99999999999" } };

  it("reads name and password from standard input, and sends the token from then on", async () => {
    await using server = await answering({
      "/auth.Auth/Token": json(token),
      "/auth.Auth/Inspect": json({ account: { id: "id-1", name: "jane", issuer: "micro" } }),
      "/auth.Auth/Revoke": json({}),
    });
    const login = await server.micro(["login"], { stdin: "jane\npass word\n" });
    expect(login).toEqual({ code: 0, stdout: "Successfully logged in.\n", stderr: "" });
    expect(server.asked[0]?.messages).toEqual([
      { id: "jane", secret: "pass word", token_expiry: 86_400, options: { namespace: "micro" } },
    ]);
    expect((await server.micro(["user"])).stdout).toBe("jane\n");
    expect(server.asked.at(-1)?.headers.get("authorization")).toBe("Bearer secret-token");
    expect(await server.micro(["logout"])).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(server.asked.at(-1)).toMatchObject({ path: "/auth.Auth/Revoke", messages: [{ refresh_token: "r" }] });
    expect((await server.micro(["user"])).code).toBe(1);
  });

  it("is a plain failure when the password is wrong or nothing is typed", async () => {
    await using server = await answering({ "/auth.Auth/Token": () => failure(400, "Secret not correct") });
    expect(await server.micro(["login", "--username=a", "--password=b"])).toEqual({
      code: 1,
      stdout: "",
      stderr: "Secret not correct\n",
    });
    expect(await server.micro(["login"], { stdin: "" })).toMatchObject({ code: 1, stdout: "" });
  });
});
