import { checkName } from "#cli/check-name.ts";
import { CommandError } from "#cli/command-error.ts";
import { isRecord } from "#base/json.ts";
import type { ConfigFile } from "./config-file.ts";

/** A server that the command line talks to. */
export interface NamedEnvironment {
  readonly name: string;
  /** `host:port` of its proxy; without a port it is 443, with TLS. May be empty. */
  readonly address: string;
  readonly description: string;
}

/** What is there without a setting. */
export const localEnvironment: NamedEnvironment = {
  name: "local",
  address: "127.0.0.1:8081",
  description: "Local running Micro Server",
};

/** The environments of a settings file. */
export class EnvironmentList {
  readonly #config: ConfigFile;

  constructor(config: ConfigFile) {
    this.#config = config;
  }

  /** Name of the current one. */
  current(): string {
    return this.#config.get("env") ?? localEnvironment.name;
  }

  /** By name. */
  all(): readonly NamedEnvironment[] {
    const known = new Map([[localEnvironment.name, localEnvironment]]);
    for (const each of this.#stored()) known.set(each.name, each);
    return [...known.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  find(name: string): NamedEnvironment | undefined {
    return this.all().find((each) => each.name === name);
  }

  /** @throws CommandError for one that is not there. */
  async select(name: string): Promise<void> {
    if (this.find(name) === undefined) throw doesNotExist(name);
    await this.#config.set({ env: name });
  }

  /** Adds one, or gives a known one another address. */
  async add(environment: NamedEnvironment): Promise<void> {
    checkName("environment", environment.name);
    await this.#store([...this.#stored().filter((each) => each.name !== environment.name), environment]);
  }

  /** @throws CommandError for the current one and for one that is not there. */
  async remove(name: string): Promise<void> {
    if (this.find(name) === undefined) throw doesNotExist(name);
    if (name === this.current()) {
      throw new CommandError(`Environment '${name}' is the current one: choose another with "micro env set"`, {
        exitCode: 128,
      });
    }
    if (!this.#stored().some((each) => each.name === name)) {
      throw new CommandError(`Environment '${name}' is built in and stays`, { exitCode: 128 });
    }
    await this.#store(this.#stored().filter((each) => each.name !== name));
  }

  #stored(): readonly NamedEnvironment[] {
    const text = this.#config.get("envs");
    if (text === undefined) return [];
    const value = parseJson(text);
    if (!isRecord(value)) throw new CommandError('The setting "envs" is not a JSON object: repair config.json');
    return Object.entries(value).flatMap(([name, each]) => (isRecord(each) ? [readEnvironment(name, each)] : []));
  }

  async #store(environments: readonly NamedEnvironment[]): Promise<void> {
    const entries = environments.map(({ name, address, description }) => [
      name,
      { Name: name, ProxyAddress: address, Description: description },
    ]);
    await this.#config.set({ envs: JSON.stringify(Object.fromEntries(entries)) });
  }
}

function readEnvironment(name: string, value: Readonly<Record<string, unknown>>): NamedEnvironment {
  const { ProxyAddress: address, Description: description } = value;
  return {
    name,
    address: typeof address === "string" ? address : "",
    description: typeof description === "string" ? description : "",
  };
}

function doesNotExist(name: string): CommandError {
  return new CommandError(`Environment '${name}' does not exist; see "micro env"`, { exitCode: 128 });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
