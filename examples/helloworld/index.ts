import { service, z } from "micro-ts";

const helloworld = service("helloworld");

helloworld.endpoint("Call", {
  description: "Greets somebody by name.",
  request: z.object({ name: z.string().default("World") }),
  response: z.object({ msg: z.string() }),
  handle: ({ name }, context) => {
    context.logger.info("called", { name });
    return { msg: `Hello ${name}` };
  },
});

helloworld.endpoint("Stream", {
  kind: "server_stream",
  description: "Counts from 1 to the count.",
  request: z.object({ count: z.int().min(0).max(10_000).default(3) }),
  response: z.object({ count: z.int() }),
  handle: async function* ({ count }) {
    for (let at = 1; at <= count; at += 1) yield { count: at };
  },
});

helloworld.endpoint("PingPong", {
  kind: "bidi_stream",
  description: "Answers every stroke with the same number.",
  request: z.object({ stroke: z.int() }),
  response: z.object({ stroke: z.int() }),
  handle: async function* (requests) {
    for await (const { stroke } of requests) yield { stroke };
  },
});

await helloworld.run();
