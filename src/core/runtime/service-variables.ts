import { MicroError } from "#base/error.ts";
import { isRecord } from "#base/json.ts";
import type { Config } from "#interface/config.ts";
import { parseUserEnv } from "./launch-environment.ts";
import type { ServiceRecord } from "./service-record.ts";
import type { ServiceSecrets } from "./service-secrets.ts";

export interface ServiceVariablesDeps {
  readonly config: Pick<Config, "read">;
  readonly secrets: Pick<ServiceSecrets, "find">;
}

/** What a value begins with that stands in config. */
const reference = "config:";

/**
 * The variables that users give a service: those of `micro.json`, of `services.NAME.env` in config, of `--env-vars`, and its
 * secrets, of one name the last of these. A value `config:PATH` is what config of the service's namespace has there. They are
 * read anew for each process and kept nowhere.
 */
export class ServiceVariables {
  readonly #deps: ServiceVariablesDeps;

  constructor(deps: ServiceVariablesDeps) {
    this.#deps = deps;
  }

  /** @throws MicroError `invalid_argument` for a bad name, `failed_precondition` that names what config does not have. */
  async resolve(record: ServiceRecord): Promise<Readonly<Record<string, string>>> {
    const { namespace, name, options, manifest } = record;
    const said = {
      ...manifest?.env,
      ...(await this.#ofConfig(namespace, name)),
      ...parseUserEnv(options.env ?? []),
    };
    const secrets = await this.#deps.secrets.find(record);
    const all = { ...(await this.resolveReferences(namespace, said)), ...secrets };
    return parseUserEnv(Object.entries(all).map(([variable, value]) => `${variable}=${value}`));
  }

  /** The same variables with what config has in the place of each reference. @throws MicroError `failed_precondition`. */
  async resolveReferences(
    namespace: string,
    variables: Readonly<Record<string, string>>,
  ): Promise<Readonly<Record<string, string>>> {
    const pairs = Object.entries(variables).map(async ([name, value]) => {
      if (!value.startsWith(reference)) return [name, value] as const;
      return [name, await this.#read(namespace, name, value.slice(reference.length))] as const;
    });
    return Object.fromEntries(await Promise.all(pairs));
  }

  async #read(namespace: string, variable: string, path: string): Promise<string> {
    if (path === "")
      throw new MicroError("invalid_argument", `${variable}: "config:" needs a path, such as config:db.url`);
    const { json } = await this.#readJson(namespace, path, variable);
    const text = json === undefined ? undefined : toText(json);
    if (text !== undefined) return text;
    const detail = `${variable}: config of namespace ${namespace} has nothing at ${path}; set it: micro config set ${path} VALUE`;
    throw new MicroError("failed_precondition", detail);
  }

  async #ofConfig(namespace: string, service: string): Promise<Readonly<Record<string, string>>> {
    const path = `services.${service}.env`;
    const { json } = await this.#readJson(namespace, path, path);
    const value: unknown = json === undefined ? {} : JSON.parse(json);
    if (!isRecord(value)) throw new MicroError("failed_precondition", `${path} in config is no object of variables`);
    // One by one, since a number keeps all its digits as text only.
    const found = Object.keys(value).map(async (name) => {
      const { json: each } = await this.#readJson(namespace, `${path}.${name}`, path);
      const text = each === undefined ? undefined : toText(each);
      return text === undefined ? [] : [[name, text] as const];
    });
    return Object.fromEntries((await Promise.all(found)).flat());
  }

  async #readJson(namespace: string, path: string, where: string): Promise<{ readonly json: string | undefined }> {
    try {
      return await this.#deps.config.read({ namespace, path }, { showsSecrets: true });
    } catch (reason) {
      const error = MicroError.from(reason);
      throw new MicroError(error.code, `${where}: ${error.detail}`, { cause: reason });
    }
  }
}

/** Texts as they are, all else as JSON, numbers with all their digits; nothing for null. */
function toText(json: string): string | undefined {
  if (json === "null") return undefined;
  return json.startsWith('"') ? String(JSON.parse(json)) : json;
}
