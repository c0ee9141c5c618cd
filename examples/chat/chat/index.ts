import { readFile } from "node:fs/promises";
import { MicroError, service, z } from "micro-ts";
import { createBlobs } from "micro-ts/blob";
import { createConfig } from "micro-ts/config";
import { createEvents } from "micro-ts/events";

const chat = service("chat", { version: "1.0.0" });
const events = createEvents(chat);
const config = createConfig(chat);
const blobs = createBlobs(chat);

const room = z.string().regex(/^[a-z0-9-]{1,32}$/, "a room has 1 to 32 small letters, digits and dashes");

/** What is kept of a message; its place and time are the event's. */
const post = z.object({ room, author: z.string().min(1).max(32), text: z.string().min(1) });

const message = z.object({
  id: z.string(),
  sequence: z.int(),
  room: z.string(),
  author: z.string(),
  text: z.string(),
  sent_at: z.iso.datetime(),
  avatar: z.string().describe("where the author's picture is; empty where he has none"),
});

chat.endpoint("Post", {
  description: "Says something in a room.",
  request: post,
  response: z.object({ id: z.string(), sequence: z.int() }),
  handle: async ({ room, author, text }) => {
    const lengthMax = await config.int("chat.text_length_max", 500);
    if (text.length > lengthMax) {
      throw new MicroError(
        "invalid_argument",
        `text: a message has at most ${lengthMax} characters, not ${text.length}`,
      );
    }
    const { id, sequence } = await events.publish(`chat.${room}`, { room, author, text });
    return { id, sequence };
  },
});

chat.endpoint("Messages", {
  kind: "server_stream",
  description: "What was said in a room after a place, then what is said there from now on.",
  request: z.object({ room, after: z.int().min(0).default(0) }),
  response: message,
  handle: async function* ({ room, after }, { signal, logger }) {
    logger.debug("joined", { room, after });
    const start = { sequence: after + 1 };
    for await (const event of events.consume(`chat.${room}`, { start, isAutoAck: true, signal })) {
      const { author, text } = event.json(post);
      const { id, sequence, timestamp } = event;
      const avatar = await avatarOf(author);
      yield { id, sequence, room, author, text, sent_at: timestamp.toISOString(), avatar };
    }
  },
});

/** The profile service knows who has a picture; a chat goes on without it. */
async function avatarOf(id: string): Promise<string> {
  try {
    const profile = await chat.call<{ avatar: string }>("profiles", "Profiles.Read", { id });
    return profile.avatar === "" ? "" : `/blobs/${chat.namespace}/${profile.avatar}`;
  } catch {
    return "";
  }
}

// The page is a public blob: the gateway serves it, /blobs/micro/chat/index.html.
chat.onStart(async () => {
  const page = await readFile(new URL("page.html", import.meta.url));
  await blobs.write("chat/index.html", page, { contentType: "text/html; charset=utf-8", isPublic: true });
});

await chat.run();
