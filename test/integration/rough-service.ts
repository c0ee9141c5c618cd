/** A service whose endpoints misbehave in every way that a service can, as the text of its `index.ts`. */
export const roughService = `import { service, z } from "micro-ts";
const rough = service("rough");
const any = { request: z.object({ text: z.string().default("") }), response: z.object({ text: z.string() }) };
rough.endpoint("Rough.Throw", { ...any, handle: ({ text }) => { throw new Error(text); } });
rough.endpoint("Rough.Null", { ...any, handle: () => { throw null; } });
rough.endpoint("Rough.Wrong", { ...any, handle: () => ({ text: 5 }) as never });
rough.endpoint("Rough.Exit", { ...any, handle: () => process.exit(3) });
rough.endpoint("Rough.Hang", { ...any, handle: () => new Promise(() => undefined) });
rough.endpoint("Rough.Echo", { ...any, handle: ({ text }, context) => { context.logger.info("echo " + text); return { text }; } });
await rough.run();
`;
