import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import type { LaunchIdentities } from "#interface/auth.ts";
import type { ResourceLimits } from "#interface/runtime.ts";
import { findEntryPoint } from "./entry-point.ts";
import { programPath, toLaunchCommand, type BunRunner, type LaunchCommand } from "./launch-command.ts";
import { createLaunchEnvironment } from "./launch-environment.ts";
import type { PlainTarget } from "./plain-target.ts";
import { planService, serviceFolder } from "./plan-service.ts";
import { namedPort, resolveRunSettings, type RunSettings } from "./run-settings.ts";
import type { Builder } from "./service-builder.ts";
import type { ServiceVariables } from "./service-variables.ts";
import type { ServiceRecord } from "./service-record.ts";
import { findFreePort } from "./service-port.ts";
import { socketPath } from "./socket-folder.ts";

export interface LauncherDeps {
  readonly identities: Pick<LaunchIdentities, "issue">;
  readonly runtimeFolder: string;
  /** Where sockets may lie; asked when the first service starts. */
  readonly socketFolder: () => string;
  readonly builder: Builder;
  readonly variables: ServiceVariables;
  /** Folder of a source by its hash. */
  readonly sourceFolder: (sha256: string) => string;
  /** `host:port` of the network, as it is now. */
  readonly networkAddress: () => string;
  /** Base64 of the PEM public key that verifies tokens. */
  readonly publicKey: string;
  /** Puts the framework below the folder of the runtime, where services find it. */
  readonly provideSdk: (runtimeFolder: string) => Promise<void>;
  readonly bun: BunRunner;
  /** The server's own environment. */
  readonly serverEnv: Readonly<Record<string, string | undefined>>;
}

/** Everything that a process needs to be started. */
export interface Launch {
  readonly command: LaunchCommand;
  readonly env: Readonly<Record<string, string>>;
  readonly resources: ResourceLimits;
  /** What is asked of it if it knows nothing of Micro. */
  readonly plain: PlainTarget;
  /** Where it was told to listen; absent for programs that choose that themselves. */
  readonly socket?: string;
  /** `host:port` of the network that it was told to join. */
  readonly network: string;
}

/** Makes ready what one process of a service needs: command, identity, environment, folders. */
export class Launcher {
  readonly #deps: LauncherDeps;
  #sdk: Promise<void> | undefined;

  constructor(deps: LauncherDeps) {
    this.#deps = deps;
  }

  /**
   * Asked before a service is taken, so that one that cannot run is refused.
   *
   * @throws MicroError `invalid_argument` when the source has no entry point or an option does not fit it.
   */
  async check(record: ServiceRecord): Promise<void> {
    const { bun, sourceFolder } = this.#deps;
    const source = sourceFolder(record.sha256);
    const { entry, settings } = await planService(record, { source, path: this.#path, bun: bun.path });
    await this.#deps.variables.resolve(record);
    if (settings.instances > 1 && namedPort(settings) !== undefined) {
      throw new MicroError("invalid_argument", "several instances cannot listen at one port; leave PORT to the server");
    }
    if (entry !== undefined) toLaunchCommand(entry, settings.args, { bun, path: this.#path, root: source });
  }

  /** @throws MicroError when something that it needs is missing. */
  async prepare(record: ServiceRecord, instance: string): Promise<Launch> {
    const settings = resolveRunSettings(record.options, record.manifest);
    const command = await this.#command(record, settings);
    await this.#ensureSdk();
    const workFolder = `${this.#deps.runtimeFolder}/work/${record.namespace}/${record.name}`;
    await mkdir(`${workFolder}/tmp`, { recursive: true, mode: 0o700 });
    const socket = command.takesAddress ? socketPath(this.#deps.socketFolder(), instance) : undefined;
    const { namespace, name: service, version } = record;
    const network = this.#deps.networkAddress();
    const plain = await toPlainTarget(settings);
    const env = createLaunchEnvironment({
      port: plain.port,
      key: record,
      instance,
      credential: await this.#deps.identities.issue({ namespace, service, version, instance }),
      networkAddress: network,
      publicKey: this.#deps.publicKey,
      ...(socket === undefined ? {} : { address: `unix:${socket}` }),
      workFolder,
      runnerEnv: command.env,
      userEnv: await this.#deps.variables.resolve(record),
      serverEnv: this.#deps.serverEnv,
    });
    const { resources } = settings;
    return { command, env, resources, plain, network, ...(socket === undefined ? {} : { socket }) };
  }

  /** Built already: a process that is started again finds what the first one ran. */
  async #command(record: ServiceRecord, settings: RunSettings): Promise<LaunchCommand> {
    const signal = AbortSignal.timeout(limits.buildTimeoutMs);
    const { folder: root } = await this.#deps.builder.build(record, { signal });
    const folder = serviceFolder(root, settings.entrypoint);
    const path = programPath(root, folder, this.#path);
    const entry = await findEntryPoint(root, { ...settings, name: record.name, path });
    const command = toLaunchCommand(entry, settings.args, { bun: this.#deps.bun, path, root });
    const [program = ""] = command.argv;
    if (!existsSync(program)) {
      const detail = `the build made no ${program.replace(`${root}/`, "")}; name what to start with command in micro.json`;
      throw new MicroError("failed_precondition", detail);
    }
    return path === this.#path ? command : { ...command, env: { ...command.env, PATH: path } };
  }

  get #path(): string {
    return this.#deps.serverEnv["PATH"] ?? "/usr/local/bin:/usr/bin:/bin";
  }

  /** Once; a failure is tried again with the next service. */
  async #ensureSdk(): Promise<void> {
    this.#sdk ??= this.#deps.provideSdk(this.#deps.runtimeFolder);
    try {
      await this.#sdk;
    } catch (reason) {
      this.#sdk = undefined;
      throw MicroError.from(reason, { at: "runtime" });
    }
  }
}

/** Where it is told to listen: what was named, else a free port. */
async function toPlainTarget(settings: RunSettings): Promise<PlainTarget> {
  const { openapi, health } = settings;
  return {
    port: namedPort(settings) ?? (await findFreePort()),
    ...(openapi === undefined ? {} : { openapi }),
    ...(health === undefined ? {} : { health }),
  };
}
