import { z } from "zod";
import { parseDuration } from "#base/duration.ts";
import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import { parseMemorySize } from "#base/memory-size.ts";
import { splitCommand } from "#base/split-command.ts";
import { serviceRunners } from "#interface/runtime.ts";
import { serviceLanguages } from "./service-manifest.ts";

const line = z.string().regex(/^[^\0]*$/, "it holds a zero character");
const words = z.array(line).min(1, "it is empty");
const command = z.union([line.transform(splitCommand), words]).refine((all) => (all[0] ?? "") !== "", "it is empty");
const shellCommand = line.min(1, "it is empty").transform((text) => ["sh", "-c", text]);
/** A text goes to the shell; a list of words is started as it is. */
const buildCommands = z.array(z.union([shellCommand, words])).min(1, "it is empty");
const environment = z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "it is no name of a variable"), line);
const path = line.regex(/^\/[^?#\s]*$/, 'it must be a path that begins with "/"');

/** The same value as another type, where `read` throws for what it cannot read. */
function readWith<T>(read: (text: string) => T) {
  return (text: string, context: z.RefinementCtx): T => {
    try {
      return read(text);
    } catch (reason) {
      context.addIssue({ code: "custom", message: MicroError.from(reason).detail });
      return z.NEVER;
    }
  };
}

const duration = z.string().transform(readWith(parseDuration));

const health = z
  .strictObject({
    path: path.optional(),
    interval: duration.refine((ms) => ms >= limits.healthIntervalMsMin, "it must be 100ms or more").optional(),
    timeout: duration.refine((ms) => ms <= limits.healthAnswerMsMax, "it must be 2s or less").optional(),
  })
  .transform(({ path: asked, interval, timeout }) => ({
    ...(asked === undefined ? {} : { path: asked }),
    ...(interval === undefined ? {} : { intervalMs: interval }),
    ...(timeout === undefined ? {} : { timeoutMs: timeout }),
  }));

const resources = z
  .strictObject({
    memory: z.string().transform(readWith(parseMemorySize)).optional(),
    cpu: z.number().positive("it must be above 0").max(1_024, "it is more than any machine has").optional(),
  })
  .transform(({ memory, cpu }) => ({
    ...(memory === undefined ? {} : { memoryBytes: memory }),
    ...(cpu === undefined ? {} : { cpuCores: cpu }),
  }));

/** `micro.json` as it is written. Unknown keys are refused: a misspelt one would be without effect and without a word. */
export const manifestSchema = z.strictObject({
  command: command.optional(),
  args: z.array(line).optional(),
  entrypoint: line.optional(),
  build: z.union([shellCommand.transform((one) => [one]), buildCommands]).optional(),
  buildEnv: environment.optional(),
  installScripts: z.boolean().optional(),
  env: environment.optional(),
  instances: z.int().min(1, "it must be 1 or more").max(limits.instancesPerServiceMax).optional(),
  language: z.enum(serviceLanguages).optional(),
  runner: z.enum(serviceRunners).optional(),
  port: z.int().min(1, "it must be from 1 to 65535").max(65_535, "it must be from 1 to 65535").optional(),
  openapi: path.optional(),
  health: health.optional(),
  resources: resources.optional(),
});

/** @throws MicroError `invalid_argument` that names file and key. @param file as the user calls it */
export function parseManifest(value: unknown, file: string): z.output<typeof manifestSchema> {
  const parsed = manifestSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new MicroError("invalid_argument", `${file}: ${issue === undefined ? "it is wrong" : describeIssue(issue)}`);
}

function describeIssue(issue: z.core.$ZodIssue): string {
  const where = issue.path.map(String).join(".");
  if (issue.code === "unrecognized_keys") {
    const keys = issue.keys.map((key) => (where === "" ? key : `${where}.${key}`)).join(", ");
    return `unknown key ${keys}; known are ${knownKeys(where)}`;
  }
  const text = issue.message.replace(/^Invalid input: /, "");
  return `${where === "" ? "it" : where}: ${text.charAt(0).toLowerCase()}${text.slice(1)}`;
}

function knownKeys(where: string): string {
  if (where === "health") return "path, interval, timeout";
  if (where === "resources") return "memory, cpu";
  return Object.keys(manifestSchema.shape).join(", ");
}
