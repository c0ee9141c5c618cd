import { MicroError, service, z } from "micro-ts";
import { createBlobs } from "micro-ts/blob";
import { createEvents } from "micro-ts/events";
import { createModel } from "micro-ts/model";

const profiles = service("profiles", { version: "1.0.0" });
const blobs = createBlobs(profiles);
const events = createEvents(profiles);

const profile = z.object({
  id: z.string().min(1).max(32),
  name: z.string().min(1).max(64),
  avatar: z.string().default("").describe("key of a public blob; empty where there is none"),
  posts: z.int().default(0).describe("messages in the lobby"),
});

const people = createModel(profiles, "people", {
  schema: profile,
  key: "id",
  indexes: { name: {}, posts: {} },
});

const imageTypes = ["image/png", "image/jpeg", "image/webp", "image/gif"] as const;

profiles.endpoint("Save", {
  description: "Makes a profile, or gives it another name.",
  request: profile.pick({ id: true, name: true }),
  response: profile,
  handle: async ({ id, name }) => {
    if ((await people.read(id)) === undefined) return people.create({ id, name });
    return people.update(id, (known) => ({ ...known, name }));
  },
});

profiles.endpoint("Read", {
  description: "One profile.",
  request: z.object({ id: z.string() }),
  response: profile,
  handle: async ({ id }) => {
    const found = await people.read(id);
    if (found === undefined) throw new MicroError("not_found", `nobody is called ${id}`);
    return found;
  },
});

profiles.endpoint("Busiest", {
  description: "Who said most in the lobby.",
  request: z.object({ count: z.int().min(1).max(100).default(10) }),
  response: z.object({ people: z.array(profile) }),
  handle: async ({ count }) => {
    const { records } = await people.query({ by: "posts", order: "desc", limit: count });
    return { people: [...records] };
  },
});

profiles.endpoint("SetAvatar", {
  description: "Gives a profile a picture, which everybody may see.",
  request: z.object({ id: z.string(), type: z.enum(imageTypes), image: z.base64() }),
  response: profile,
  handle: async ({ id, type, image }) => {
    const key = `avatars/${id}`;
    await blobs.write(key, Buffer.from(image, "base64"), { contentType: type, isPublic: true });
    return people.update(id, (known) => ({ ...known, avatar: key }));
  },
});

// Every instance is a member of the group: each message is counted by one of them, also those of a time when none ran.
const counting = events.handle("chat.lobby", { group: "profiles", start: "earliest" }, async (event) => {
  const { author } = event.json(z.object({ author: z.string() }));
  const known = await people.read(author);
  if (known === undefined) return;
  await people.update(author, (before) => ({ ...before, posts: before.posts + 1 }));
});
profiles.onStop(() => counting.stop());

await profiles.run();
