import { errors, service } from "micro-ts";
import { implement } from "micro-ts/proto";
import { Greeter } from "./greeter_pb.ts";

const greetings = ["Hello", "Hola", "Hallo", "Bonjour"];

const greeter = service("greeter");

greeter.add(
  implement(Greeter, {
    hello: ({ name }) => {
      if (name === "") throw errors.badRequest("name is empty; say who is greeted");
      return { msg: `Hello ${name}`, count: 1n };
    },

    languages: async function* ({ name }) {
      for (const [index, greeting] of greetings.entries()) {
        yield { msg: `${greeting} ${name}`, count: BigInt(index + 1) };
      }
    },

    everybody: async (requests) => {
      const names: string[] = [];
      for await (const { name } of requests) names.push(name);
      return { msg: `Hello ${names.join(", ")}`, count: BigInt(names.length) };
    },

    chat: async function* (requests) {
      let count = 0n;
      for await (const { name } of requests) {
        count += 1n;
        yield { msg: `Hello ${name}`, count };
      }
    },
  }),
);

await greeter.run();
