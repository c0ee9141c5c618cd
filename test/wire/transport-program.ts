/** Exercises the transports in a process of its own: reads addresses as its argument, prints what it found. */
import { exerciseTransports } from "./exercise-transports.ts";

const findings = await exerciseTransports(
  JSON.parse(process.argv[2] ?? "{}") as Parameters<typeof exerciseTransports>[0],
);
process.stdout.write(JSON.stringify(findings));
