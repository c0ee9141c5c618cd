/** Services that know nothing of Micro, as the text of their files. */
const checkout = new URL("../..", import.meta.url).pathname;

const document = {
  openapi: "3.1.0",
  info: { title: "Shop", version: "1" },
  servers: [{ url: "http://example.com/api" }],
  paths: {
    "/orders/{id}": {
      parameters: [{ name: "id", in: "path", required: true, schema: { type: "integer", format: "int64" } }],
      get: {
        operationId: "getOrder",
        summary: "One order.",
        parameters: [
          { name: "fields", in: "query", schema: { type: "array", items: { type: "string" } } },
          { name: "X-Trace", in: "header", schema: { type: "string" } },
        ],
        responses: { 200: { content: { "application/json": { schema: { $ref: "#/components/schemas/Order" } } } } },
      },
      delete: { responses: { 204: {} } },
    },
    "/orders": {
      post: {
        operationId: "create-order",
        requestBody: {
          required: true,
          content: { "application/json": { schema: { $ref: "#/components/schemas/Order" } } },
        },
        responses: { 201: { content: { "application/json": { schema: { $ref: "#/components/schemas/Order" } } } } },
      },
    },
  },
  components: {
    schemas: {
      Order: {
        type: "object",
        properties: { id: { type: "integer" }, what: { type: "string" }, next: { $ref: "#/components/schemas/Order" } },
      },
    },
  },
};

/** An HTTP server on node:http, with an OpenAPI document. `GET /wait` is answered after a second. */
export const shopProgram = `
import { createServer } from "node:http";
const document = ${JSON.stringify(document)};
const answer = (response, status, value) => {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(value === undefined ? undefined : JSON.stringify(value));
};
let isWell = true;
createServer(async (request, response) => {
  const url = new URL(request.url, "http://x");
  let body = "";
  for await (const chunk of request) body += chunk;
  const seen = { authorization: request.headers.authorization ?? null, trace: request.headers["x-trace"] ?? null };
  const id = Number(url.pathname.split("/").at(-1));
  if (url.pathname === "/openapi.json") return answer(response, 200, document);
  if (url.pathname === "/healthz") return answer(response, isWell ? 200 : 503, {});
  if (id === 404) return answer(response, 404, { message: "no order 404" });
  if (id === 666) process.exit(3);
  if (request.method === "DELETE") return answer(response, 204);
  if (request.method === "POST") return answer(response, 201, { id: 7, ...JSON.parse(body), pid: process.pid });
  answer(response, 200, { id, fields: url.searchParams.getAll("fields"), ...seen, pid: process.pid });
}).listen(Number(process.env.PORT), process.env.HOST, () => console.log("listening", process.env.PORT));
`;

/** Python's own server, without a document. */
export const pythonServer = `
import json, os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.reply(200, {"method": "POST", "path": self.path, "body": json.loads(body)})
    def do_GET(self):
        self.reply(404 if self.path.endswith(".json") else 200, {"method": "GET", "path": self.path})
    def reply(self, status, value):
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
`;

/** A server on grpc-js with reflection: `acme.v1.Greeter`. */
export const grpcServer: Record<string, string> = {
  "greeter.proto": `syntax = "proto3";
package acme.v1;
message HelloRequest { string first_name = 1; int32 times = 2; }
message HelloReply { string message = 1; }
service Greeter {
  rpc SayHello(HelloRequest) returns (HelloReply);
  rpc SayMany(HelloRequest) returns (stream HelloReply);
}
`,
  "index.mjs": `
import { createRequire } from "node:module";
const require = createRequire(${JSON.stringify(`${checkout}package.json`)});
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");
const here = new URL(".", import.meta.url).pathname;
const own = loader.loadSync(here + "greeter.proto", { keepCase: true, defaults: true });
const reflection = loader.loadSync(${JSON.stringify(`${checkout}proto/grpc/reflection/v1/reflection.proto`)}, {
  keepCase: true, oneofs: true, includeDirs: [${JSON.stringify(`${checkout}proto`)}],
});
const files = own["acme.v1.HelloRequest"].fileDescriptorProtos;
const server = new grpc.Server();
const hello = (request) => "Hello " + request.first_name;
server.addService(own["acme.v1.Greeter"], {
  SayHello: (call, done) => call.request.first_name === ""
    ? done({ code: grpc.status.INVALID_ARGUMENT, details: "who?" })
    : done(null, { message: hello(call.request) + (call.metadata.get("authorization").length > 0 ? " with token" : "") }),
  SayMany: (call) => {
    for (let count = 0; count < call.request.times; count += 1) call.write({ message: hello(call.request) });
    call.end();
  },
});
server.addService(reflection["grpc.reflection.v1.ServerReflection"], {
  ServerReflectionInfo: (call) => {
    call.on("data", (request) => call.write(
      request.message_request === "list_services"
        ? { list_services_response: { service: [{ name: "acme.v1.Greeter" }, { name: "grpc.reflection.v1.ServerReflection" }] } }
        : { file_descriptor_response: { file_descriptor_proto: files } },
    ));
    call.on("end", () => call.end());
  },
});
server.bindAsync("127.0.0.1:" + process.env.PORT, grpc.ServerCredentials.createInsecure(), () => undefined);
`,
};
