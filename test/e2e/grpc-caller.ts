/** An ordinary gRPC client: a stub made from the .proto file, nothing of ours. Prints the answer as JSON. */
import { credentials, loadPackageDefinition, type GrpcObject, type ServiceClientConstructor } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

const { TARGET: target = "", PROTO: proto = "" } = process.env;
const definition = loadPackageDefinition(loadSync(proto, { keepCase: true, longs: String }));
const greeterPackage = definition["greeter"] as GrpcObject;
const Greeter = greeterPackage["Greeter"] as ServiceClientConstructor;
const client = new Greeter(target, credentials.createInsecure());
client["Hello"]?.({ name: "Ann" }, (error: Error | null, answer: unknown) => {
  if (error !== null) console.error(error.message);
  else console.log(JSON.stringify(answer));
  client.close();
});
