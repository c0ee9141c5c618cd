import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { writeFile } from "node:fs/promises";
import http2, { type ClientHttp2Session } from "node:http2";
import { connect as connectTls } from "node:tls";
import { startServer } from "#testing/start-server.ts";
import { createTempFolder, type TempFolder } from "#testing/temp-folder.ts";
import { microCommand } from "#testing/start-server.ts";
import { runCommand } from "#testing/run-command.ts";
import { echoEndpoints, startEdge, type Edge } from "./edge.ts";
import { RawSocket } from "./raw-socket.ts";
import { startEcho, type EchoServer } from "./start-echo.ts";
import { waitUntil } from "#testing/wait-until.ts";

const hasOpenssl = Bun.which("openssl") !== null;
let folder: TempFolder;

async function makeCertificate(name: string, days = 30): Promise<{ cert: string; key: string }> {
  const [cert, key] = [`${folder.path}/${name}.pem`, `${folder.path}/${name}.key`];
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const command = [
    "openssl",
    "req",
    "-x509",
    ...curve,
    "-keyout",
    key,
    "-out",
    cert,
    "-days",
    String(days),
    ...subject,
  ];
  const { code, stderr } = await runCommand(command);
  if (code !== 0) throw new Error(stderr);
  return { cert, key };
}

/** One request of HTTP/2. */
function ask(
  session: ClientHttp2Session,
  headers: Record<string, string>,
  body = "",
): Promise<{ status: unknown; headers: Record<string, unknown>; body: string }> {
  return new Promise((resolve, reject) => {
    const stream = session.request(headers);
    let got: Record<string, unknown> = {};
    let text = "";
    stream.setEncoding("utf8");
    stream.on("response", (response) => {
      got = { ...response };
    });
    stream.on("data", (chunk: string) => {
      text += chunk;
    });
    stream.on("error", reject);
    stream.on("end", () => resolve({ status: got[":status"], headers: got, body: text }));
    stream.end(body);
  });
}

beforeAll(async () => {
  folder = await createTempFolder();
});
afterAll(() => folder[Symbol.asyncDispose]());

// Skipped where there is no openssl to make a certificate with.
describe.skipIf(!hasOpenssl)("gateway over TLS", () => {
  let echo: EchoServer;
  let edge: Edge;
  let ca: string;
  let session: ClientHttp2Session;

  beforeAll(async () => {
    echo = await startEcho("bun");
    const files = await makeCertificate("edge");
    const [cert, key] = await Promise.all([Bun.file(files.cert).text(), Bun.file(files.key).text()]);
    ca = cert;
    edge = await startEdge({ listen: { tls: { cert, key } } });
    const node = { id: "echo-1", address: echo.rpcUnix, metadata: { http: echo.httpUnix } };
    await edge.register({ name: "echo", domain: "micro", nodes: [node], endpoints: echoEndpoints });
    session = http2.connect(edge.gateway, { ca });
  });
  afterAll(async () => {
    session.destroy();
    await edge[Symbol.asyncDispose]();
    await echo[Symbol.asyncDispose]();
  });

  it("answers with the certificate that it was given", async () => {
    const response = await fetch(`${edge.gateway}/echo/say?text=x&count=2`, { tls: { ca } });
    expect(await response.json()).toEqual({ text: "x", count: 2 });
    expect(fetch(`${edge.gateway}/health`)).rejects.toThrow();
  });

  it("speaks HTTP/2 with those who offer it", async () => {
    const headers = { ":method": "POST", ":path": "/echo/Say?count=3", "content-type": "application/json" };
    const answer = await ask(session, { ...headers, "x-request-id": "h2-1" }, '{"text":"metadata:x-request-id"}');
    expect(answer).toMatchObject({
      status: 200,
      headers: { "x-request-id": "h2-1", "content-type": "application/json" },
    });
    expect(JSON.parse(answer.body)).toMatchObject({ text: expect.stringContaining("h2-1|"), count: 3 });
    const stream = await ask(session, { ":path": "/echo/repeat?text=a&count=3" });
    expect(stream.body.trimEnd().split("\n")).toHaveLength(3);
    const missing = await ask(session, { ":path": "/nobody/Call" });
    expect([missing.status, JSON.parse(missing.body)]).toMatchObject([404, { code: 404 }]);
    const large = await ask(session, { ...headers, "content-length": "2000000" }, "x".repeat(2_000_000));
    expect(large.status).toBe(413);
  });

  it("carries WebSockets", async () => {
    const socket = new WebSocket(`${edge.gateway.replace("https", "wss")}/echo/Chat`, { tls: { ca } });
    socket.addEventListener("open", () => socket.send('{"text":"hi"}'));
    const message = await new Promise((resolve) => {
      socket.addEventListener("message", ({ data }) => resolve(data));
    });
    expect(JSON.parse(String(message))).toMatchObject({ text: "hi" });
    socket.close();
  });

  it("closes on those who speak plain HTTP, half a handshake or nonsense, and serves the others", async () => {
    const address = edge.gateway.slice("https://".length);
    const sockets = [
      "GET / HTTP/1.1\r\nhost: x\r\n\r\n",
      "\x16\x03\x01",
      "\x16\x03\x01\x00\x05nonsense",
      "\0".repeat(500),
    ].map((text) => {
      const raw = new RawSocket(address);
      raw.socket.write(text, "latin1");
      return raw;
    });
    await waitUntil("plain HTTP to be refused", () => sockets[0]?.isClosed === true);
    expect(sockets[0]?.text).not.toContain("200");
    expect((await fetch(`${edge.gateway}/health`, { tls: { ca } })).status).toBe(200);
    for (const { socket } of sockets) socket.destroy();
  });

  it("ends its requests before it stops, over HTTP/2 too", async () => {
    const [cert, key] = [ca, await Bun.file(`${folder.path}/edge.key`).text()];
    await using other = await startEdge({ listen: { tls: { cert, key } } });
    const node = { id: "echo-1", address: echo.rpcUnix, metadata: { http: echo.httpUnix } };
    await other.register({ name: "echo", domain: "micro", nodes: [node], endpoints: echoEndpoints });
    const client = http2.connect(other.gateway, { ca });
    const slow = ask(client, { ":path": "/echo/say?text=slow&count=500" });
    expect((await ask(client, { ":path": "/health" })).status).toBe(200);
    const stopped = other.stopGateway(10_000);
    expect((await ask(client, { ":path": "/ready" })).status).toBe(503);
    expect((await slow).status).toBe(200);
    client.close();
    await stopped;
  });
});

describe.skipIf(!hasOpenssl)("micro server with a certificate", () => {
  const start = async (args: readonly string[]): Promise<{ code: number; stderr: string }> => {
    const anyPorts = ["--gateway-address=0", "--proxy-address=0", "--network-address=0"];
    return runCommand([...microCommand, "server", ...anyPorts, ...args], {
      env: { MICRO_HOME: `${folder.path}/home` },
    });
  };

  it("says https where it listens, and speaks it", async () => {
    const { cert, key } = await makeCertificate("server");
    await using server = await startServer({ args: ["--tls-cert", cert, "--tls-key", key] });
    expect(server.output()).toContain(`gateway        https://${server.addresses.gateway}`);
    const ca = await Bun.file(cert).text();
    expect((await fetch(`https://${server.addresses.gateway}/health`, { tls: { ca } })).status).toBe(200);
    const [host = "", port] = server.addresses.gateway.split(":");
    const protocol = await new Promise((resolve) => {
      const socket = connectTls({ host, port: Number(port), ca, ALPNProtocols: ["h2"] }, () => {
        resolve(socket.alpnProtocol);
        socket.destroy();
      });
    });
    expect(protocol).toBe("h2");
  });

  it("says in one line what is wrong with the files", async () => {
    const [one, two] = [await makeCertificate("one"), await makeCertificate("two")];
    const nonsense = `${folder.path}/nonsense.pem`;
    await writeFile(nonsense, "nonsense");
    const cases = [
      [["--tls-cert", one.cert], /^--tls-cert needs --tls-key beside it/],
      [["--tls-cert", `${folder.path}/none`, "--tls-key", one.key], /^--tls-cert .*none cannot be read \(ENOENT\)/],
      [["--tls-cert", nonsense, "--tls-key", one.key], /^--tls-cert .*nonsense.pem holds no certificate/],
      [["--tls-cert", one.cert, "--tls-key", nonsense], /^--tls-key .*nonsense.pem holds no private key/],
      [["--tls-cert", one.cert, "--tls-key", two.key], /^--tls-key .*two.key is not the key of --tls-cert .*one.pem/],
    ] as const;
    for (const [args, text] of cases) {
      const { code, stderr } = await start(args);
      expect({ code, stderr: stderr.trimEnd() }).toEqual({ code: 1, stderr: expect.stringMatching(text) });
      expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    }
  }, 30_000);
});
