import { service, z } from "micro-ts";
import { createBroker } from "micro-ts/broker";

const presence = service("presence", { version: "1.0.0" });
const broker = createBroker(presence);

const room = z.string().regex(/^[a-z0-9-]{1,32}$/, "a room has 1 to 32 small letters, digits and dashes");
const sign = z.object({ room, author: z.string().min(1).max(32) });

presence.endpoint("Enter", {
  description: "Says that somebody is in a room; to be said again now and then.",
  request: sign,
  response: z.object({}),
  handle: async ({ room, author }) => {
    await broker.publish(`presence.${room}`, { room, author });
    return {};
  },
});

presence.endpoint("Watch", {
  kind: "server_stream",
  description: "Who gives a sign in a room, from now on.",
  request: z.object({ room }),
  response: sign,
  handle: async function* ({ room }, { signal }) {
    for await (const message of broker.subscribe(`presence.${room}`, { signal })) yield sign.parse(message.json());
  },
});

await presence.run();
