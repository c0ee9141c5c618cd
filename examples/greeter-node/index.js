import { errors, service, z } from "micro-ts";

const greeter = service("greeter-node");

greeter.endpoint("Say.Hello", {
  description: "Greets somebody by name.",
  request: z.object({ name: z.string() }),
  response: z.object({ msg: z.string(), runtime: z.string() }),
  handle: ({ name }) => {
    if (name === "") throw errors.badRequest("name is empty; say who is greeted");
    return { msg: `Hello ${name}`, runtime: `node ${process.versions.node}` };
  },
});

greeter.endpoint("Say.Goodbyes", {
  kind: "client_stream",
  description: "Says goodbye to everybody at once.",
  request: z.object({ name: z.string() }),
  response: z.object({ msg: z.string() }),
  handle: async (requests) => {
    const names = [];
    for await (const { name } of requests) names.push(name);
    return { msg: `Goodbye ${names.join(", ")}` };
  },
});

await greeter.run();
