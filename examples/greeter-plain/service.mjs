// A service without our framework, on Node's own modules: what docs/wire.md asks of any language, and nothing more.
import { createServer } from "node:http";

const {
  MICRO_SERVICE_NAME: name,
  MICRO_SERVICE_VERSION: version,
  MICRO_NAMESPACE: domain,
  MICRO_SERVICE_NETWORK: network,
  MICRO_CLIENT_ID: id,
  MICRO_CLIENT_SECRET: secret,
} = process.env;

const server = createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const [status, answer] = handle(request.url, Buffer.concat(chunks).toString("utf8"));
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(answer));
});

function handle(path, body) {
  // The runtime asks here whether the service is up.
  if (path === "/grpc.health.v1.Health/Check") return [200, { status: "SERVING" }];
  if (path !== `/${name}.Say/Hello`) return failure(501, "Not Implemented", `unknown service ${path.slice(1)}`);
  const who = JSON.parse(body).name ?? "";
  return who === "" ? failure(400, "Bad Request", "name is empty; say who is greeted") : [200, { msg: `Hello ${who}` }];
}

function failure(code, status, detail) {
  return [code, { id: name, code, detail, status }];
}

async function call(path, message, token) {
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const answer = await fetch(`http://${network}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...authorization },
    body: JSON.stringify(message),
    signal: AbortSignal.timeout(5_000),
  });
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`);
  return answer.json();
}

await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const address = `127.0.0.1:${server.address().port}`;
const login = await call("/auth.Auth/Token", { id, secret, options: { namespace: domain } });
const token = login.token.access_token;

const text = (field) => ({ name: field, type: "string", values: [] });
const entry = {
  name,
  version,
  nodes: [{ id: `${name}-${process.pid}`, address, metadata: { http: address } }],
  endpoints: [
    {
      name: "Say.Hello",
      request: { name: "Request", type: "Request", values: [text("name")] },
      response: { name: "Response", type: "Response", values: [text("msg")] },
      metadata: { description: "Greets somebody by name." },
    },
  ],
  options: { ttl: "90", domain },
};
const register = () => call("/registry.Registry/Register", entry, token);
await register();
setInterval(() => register().catch((reason) => console.error(`not registered: ${reason.message}`)), 30_000);

process.on("SIGTERM", async () => {
  await call("/registry.Registry/Deregister", entry, token).catch(() => undefined);
  server.close(() => process.exit(0));
});
