import type { MessageInitShape } from "@bufbuild/protobuf";
import type { CreateOptions, LogRecordSchema, ServiceSchema, UpdateOptions } from "#gen/runtime/runtime_pb.ts";
import { MicroError } from "#base/error.ts";
import type { Metadata } from "#base/metadata.ts";
import {
  serviceRunners,
  serviceStatuses,
  type CreateServiceOptions,
  type InstanceState,
  type LogLine,
  type RuntimeService,
  type ServiceRunner,
} from "#interface/runtime.ts";
import type { LogSource } from "./log-source.ts";
import { findLogLevel } from "./log-level.ts";

/** Metadata that the server sets, and nobody else. */
const ownKeys: ReadonlySet<string> = new Set([
  "owner",
  "group",
  "started",
  "status",
  "error",
  "service",
  "commit",
  "build",
]);

/** What a client may say about a service. */
export function withoutOwnKeys(metadata: Metadata): Metadata {
  return Object.fromEntries(Object.entries(metadata).filter(([key]) => !ownKeys.has(key)));
}

/** A service as `Runtime.Read` shows it. */
export function toWireService(service: RuntimeService): MessageInitShape<typeof ServiceSchema> {
  const { name, version, namespace, source, status, error, updatedAtMs, instances } = service;
  return {
    name,
    version,
    namespace,
    source,
    status: serviceStatuses.indexOf(status),
    metadata: {
      ...service.metadata,
      source,
      started: new Date(updatedAtMs).toISOString(),
      status,
      ...(service.commit === undefined ? {} : { commit: service.commit }),
      ...(service.serviceName === undefined ? {} : { service: service.serviceName }),
      ...(service.build === undefined ? {} : { build: service.build }),
      ...(error === undefined ? {} : { error }),
    },
    ...(error === undefined ? {} : { error }),
    started: toSeconds(updatedAtMs),
    instances: instances.map(toWireInstance),
    canary: service.canaryPercent ?? 0,
  };
}

export function toWireLog(
  source: Pick<LogSource, "name" | "version">,
  line: LogLine,
): MessageInitShape<typeof LogRecordSchema> {
  return {
    timestamp: BigInt(line.timestampMs),
    metadata: { service: source.name, version: source.version },
    message: line.text,
    stream: line.stream,
    level: findLogLevel(line.text) ?? "",
    instance: line.instance,
  };
}

/** @throws MicroError `unimplemented` for what cannot be kept yet. */
export function fromWireCreate(options: CreateOptions | undefined): CreateServiceOptions {
  if (options === undefined) return {};
  if (options.image !== "" || Object.keys(options.volumes).length > 0) {
    throw new MicroError("unimplemented", "container images and volumes need a platform that runs containers");
  }
  return fromWireUpdate(options);
}

/** Takes back everything that was said before how to run a service. */
export const unsaidOptions: CreateServiceOptions = {
  command: [],
  args: [],
  env: [],
  entrypoint: "",
  instances: 0,
  runner: "",
  resources: { memoryBytes: 0, cpuCores: 0 },
};

/** What was said: an empty field says nothing. @throws MicroError `invalid_argument` for what cannot be meant. */
export function fromWireUpdate(
  options: Omit<UpdateOptions, "$typeName" | "$unknown" | "namespace" | "canary"> | undefined,
): CreateServiceOptions {
  if (options === undefined) return {};
  const { GIT_CREDENTIALS: gitCredential = "", ...secrets } = options.secrets;
  return {
    ...(options.command.length === 0 ? {} : { command: options.command }),
    ...(options.args.length === 0 ? {} : { args: options.args }),
    ...(options.env.length === 0 ? {} : { env: options.env }),
    ...(options.entrypoint === "" ? {} : { entrypoint: options.entrypoint }),
    ...(gitCredential === "" ? {} : { gitCredential }),
    ...(Object.keys(secrets).length === 0 ? {} : { secrets }),
    ...(options.instances === 0n ? {} : { instances: Number(options.instances) }),
    ...(options.runner === "" ? {} : { runner: readRunner(options.runner) }),
    ...readResources(options),
  };
}

function readRunner(text: string): ServiceRunner {
  const found = serviceRunners.find((each) => each === text);
  if (found !== undefined) return found;
  throw new MicroError("invalid_argument", `runner must be ${serviceRunners.join(" or ")}`);
}

function readResources({
  memory,
  cpu,
}: Pick<UpdateOptions, "memory" | "cpu">): Pick<CreateServiceOptions, "resources"> {
  if (memory === 0n && cpu === 0) return {};
  return {
    resources: {
      ...(memory === 0n ? {} : { memoryBytes: Number(memory) }),
      ...(cpu === 0 ? {} : { cpuCores: cpu / 1_000 }),
    },
  };
}

function toWireInstance(
  state: InstanceState,
): NonNullable<MessageInitShape<typeof ServiceSchema>["instances"]>[number] {
  return {
    id: state.id,
    pid: state.pid ?? 0,
    status: serviceStatuses.indexOf(state.status),
    restarts: state.restartCount,
    started: toSeconds(state.startedAtMs ?? 0),
    error: state.error ?? "",
    crashLoop: state.isCrashLooping ?? false,
    share: state.share ?? 0,
  };
}

function toSeconds(ms: number): bigint {
  return BigInt(Math.floor(ms / 1_000));
}
