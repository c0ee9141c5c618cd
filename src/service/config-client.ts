import type { z } from "zod";
import type { MicroError } from "#base/error.ts";
import type { JsonObject, JsonValue } from "#base/json.ts";
import { Config } from "#gen/config/config_pb.ts";
import type { ConfigRevision, ConfigState } from "#interface/config.ts";
import type { Caller } from "./caller.ts";
import { applySchema } from "./config-schema.ts";
import { parseValue, readers, requireUnmasked, type ConfigReader } from "./config-values.ts";
import { watchStates } from "./config-watch.ts";
import { acceptMissing, fromWireRevision, toCondition, toCount, toState } from "./config-wire.ts";
import { createProtoClient, type ProtoClient } from "./proto.ts";
import type { Schema } from "./schema-kind.ts";
import { toJsonText } from "./to-json-text.ts";

export interface ConfigReadOptions {
  /** Shows secrets instead of `[secret]`. @default false */
  readonly showsSecrets?: boolean;
}

export interface ConfigWriteOptions {
  /** Only if the document is still at this revision; 0: only if there is none. @default always */
  readonly expectedRevision?: number;
}

export interface ConfigSetOptions extends ConfigWriteOptions {
  /** Encrypts every leaf of the value, and masks it wherever it is read. What is a secret stays one until it is deleted. @default false */
  readonly isSecret?: boolean;
}

export interface ConfigWatchOptions extends ConfigReadOptions {
  /** Ends it. */
  readonly signal?: AbortSignal;
  /** Told that the watch broke and is opened anew. */
  readonly onBreak?: (reason: MicroError) => void;
}

/**
 * Values of one namespace by path: words with dots between them, `""` for everything. Nothing there and `null` are the
 * same to all readers. A typed reader answers with the fallback where nothing is there, and fails with
 * `failed_precondition` where there is something else than it reads, or a secret.
 */
export interface ConfigClient {
  readonly namespace: string;
  /** Whatever is there; numbers beyond 2^53 lose digits, see {@link ConfigClient.read}. */
  get(path: string, options?: ConfigReadOptions): Promise<JsonValue | undefined>;
  /**
   * What is there as a zod schema makes it; where nothing is, the schema's own default.
   *
   * @throws MicroError `failed_precondition` that names each wrong field, or a secret that the schema takes: read those
   * with `showsSecrets`.
   */
  get<S extends Schema>(path: string, schema: S, options?: ConfigReadOptions): Promise<z.output<S>>;
  /** Text; also numbers and booleans, as they are written. */
  string(path: string): Promise<string | undefined>;
  string(path: string, fallback: string): Promise<string>;
  /** A whole number that loses no digit in JavaScript; also as text. */
  int(path: string): Promise<number | undefined>;
  int(path: string, fallback: number): Promise<number>;
  /** Any number; also as text. */
  float(path: string): Promise<number | undefined>;
  float(path: string, fallback: number): Promise<number>;
  /** `true` or `false`; also as text, and 1 or 0. */
  bool(path: string): Promise<boolean | undefined>;
  bool(path: string, fallback: boolean): Promise<boolean>;
  /** Milliseconds of a text like `500ms`, `30s` or `1h30m`. */
  duration(path: string): Promise<number | undefined>;
  duration(path: string, fallbackMs: number): Promise<number>;
  /** Texts of a list of scalars, or of one text with commas between them. */
  list(path: string): Promise<readonly string[] | undefined>;
  list(path: string, fallback: readonly string[]): Promise<readonly string[]>;
  object(path: string): Promise<JsonObject | undefined>;
  object(path: string, fallback: JsonObject): Promise<JsonObject>;
  /** The text of a secret in clear; also of a value that is none. */
  secret(path: string): Promise<string | undefined>;
  /** JSON with all digits of its numbers, and the revision to name as `expectedRevision`. */
  read(path: string, options?: ConfigReadOptions): Promise<ConfigState>;
  /**
   * Merges an object into what is there, replaces by anything else.
   *
   * @returns the new revision of the document
   * @throws MicroError `invalid_argument` for what JSON cannot say or a bad path, `failed_precondition` for a place below a
   * value that is no object, `conflict` when `expectedRevision` does not hold, `payload_too_large`.
   */
  set(path: string, value: unknown, options?: ConfigSetOptions): Promise<number>;
  /** The same from JSON text, for numbers with more digits than JavaScript keeps. */
  setJson(path: string, json: string, options?: ConfigSetOptions): Promise<number>;
  /** Removes a path and all below it, if it is there. @returns the revision of the document; 0 when there is none */
  delete(path: string, options?: ConfigWriteOptions): Promise<number>;
  /**
   * What is there now, then what is there after every change of it; a slow reader gets the last state, not every one. It
   * outlives restarts of the server, and ends when the loop is left, with `signal`, or with the client.
   *
   * @throws MicroError from the loop that trying again would not change, such as `permission_denied`.
   */
  watch(path: string, options?: ConfigWatchOptions): AsyncIterable<JsonValue | undefined>;
  /** The same as a zod schema makes it. @throws MicroError from the loop, also for a value that does not fit. */
  watch<S extends Schema>(path: string, schema: S, options?: ConfigWatchOptions): AsyncIterable<z.output<S>>;
  /** Changes that touched a path, newest first, secrets masked. @param limit at most so many; 0: all that are kept */
  history(path?: string, limit?: number): Promise<readonly ConfigRevision[]>;
  /** Makes the document what it was at a revision, as a new one. @throws MicroError `not_found` when that is not kept. */
  rollback(revision: number, options?: ConfigWriteOptions): Promise<number>;
  /** Encrypts all secrets of all namespaces with a new key and says how many; for administrators of the installation. */
  rotateKey(): Promise<number>;
}

/** Config over RPC. */
export class RemoteConfig implements ConfigClient {
  readonly namespace: string;
  readonly #client: ProtoClient<typeof Config>;

  constructor(caller: Caller, namespace: string) {
    this.namespace = namespace;
    this.#client = createProtoClient(caller, "config", Config);
  }

  get(path: string, options?: ConfigReadOptions): Promise<JsonValue | undefined>;
  get<S extends Schema>(path: string, schema: S, options?: ConfigReadOptions): Promise<z.output<S>>;
  async get(path: string, first?: Schema | ConfigReadOptions, second?: ConfigReadOptions): Promise<unknown> {
    if (!isSchema(first)) return parseValue((await this.read(path, first)).json);
    return applySchema(first, { path, value: parseValue((await this.read(path, second)).json), ...second });
  }

  string(path: string): Promise<string | undefined>;
  string(path: string, fallback: string): Promise<string>;
  string(path: string, fallback?: string): Promise<string | undefined> {
    return this.#typed(path, readers.string, fallback);
  }

  int(path: string): Promise<number | undefined>;
  int(path: string, fallback: number): Promise<number>;
  int(path: string, fallback?: number): Promise<number | undefined> {
    return this.#typed(path, readers.int, fallback);
  }

  float(path: string): Promise<number | undefined>;
  float(path: string, fallback: number): Promise<number>;
  float(path: string, fallback?: number): Promise<number | undefined> {
    return this.#typed(path, readers.float, fallback);
  }

  bool(path: string): Promise<boolean | undefined>;
  bool(path: string, fallback: boolean): Promise<boolean>;
  bool(path: string, fallback?: boolean): Promise<boolean | undefined> {
    return this.#typed(path, readers.bool, fallback);
  }

  duration(path: string): Promise<number | undefined>;
  duration(path: string, fallbackMs: number): Promise<number>;
  duration(path: string, fallbackMs?: number): Promise<number | undefined> {
    return this.#typed(path, readers.duration, fallbackMs);
  }

  list(path: string): Promise<readonly string[] | undefined>;
  list(path: string, fallback: readonly string[]): Promise<readonly string[]>;
  list(path: string, fallback?: readonly string[]): Promise<readonly string[] | undefined> {
    return this.#typed(path, readers.list, fallback);
  }

  object(path: string): Promise<JsonObject | undefined>;
  object(path: string, fallback: JsonObject): Promise<JsonObject>;
  object(path: string, fallback?: JsonObject): Promise<JsonObject | undefined> {
    return this.#typed(path, readers.object, fallback);
  }

  async secret(path: string): Promise<string | undefined> {
    const { json } = await this.read(path, { showsSecrets: true });
    return json === undefined ? undefined : readers.string(path, json);
  }

  async read(path: string, { showsSecrets = false }: ConfigReadOptions = {}): Promise<ConfigState> {
    try {
      const request = { namespace: this.namespace, path, options: { secret: showsSecrets } };
      return toState(await this.#client.get(request));
    } catch (reason) {
      return acceptMissing(reason, { json: undefined, revision: 0 });
    }
  }

  async set(path: string, value: unknown, options?: ConfigSetOptions): Promise<number> {
    return this.setJson(path, toJsonText(value), options);
  }

  async setJson(path: string, json: string, options: ConfigSetOptions = {}): Promise<number> {
    const { revision } = await this.#client.set({
      namespace: this.namespace,
      path,
      value: { data: json, format: "json" },
      options: { secret: options.isSecret ?? false },
      ...toCondition(options),
    });
    return Number(revision);
  }

  async delete(path: string, options: ConfigWriteOptions = {}): Promise<number> {
    try {
      const request = { namespace: this.namespace, path, ...toCondition(options) };
      return Number((await this.#client.delete(request)).revision);
    } catch (reason) {
      return acceptMissing(reason, 0);
    }
  }

  watch(path: string, options?: ConfigWatchOptions): AsyncIterable<JsonValue | undefined>;
  watch<S extends Schema>(path: string, schema: S, options?: ConfigWatchOptions): AsyncIterable<z.output<S>>;
  watch(path: string, first?: Schema | ConfigWatchOptions, second?: ConfigWatchOptions): AsyncIterable<unknown> {
    const schema = isSchema(first) ? first : undefined;
    const options = isSchema(first) ? second : first;
    return watchStates(
      { client: this.#client, namespace: this.namespace, path, ...options },
      async ({ json }): Promise<unknown> => {
        const value = parseValue(json);
        return schema === undefined ? value : applySchema(schema, { path, value, ...options });
      },
    );
  }

  async history(path = "", limit = 0): Promise<readonly ConfigRevision[]> {
    const request = { namespace: this.namespace, path, limit: toCount("limit", limit) };
    return (await this.#client.history(request)).revisions.map(fromWireRevision);
  }

  async rollback(revision: number, options: ConfigWriteOptions = {}): Promise<number> {
    const request = { namespace: this.namespace, revision: toCount("revision", revision), ...toCondition(options) };
    return Number((await this.#client.rollback(request)).revision);
  }

  async rotateKey(): Promise<number> {
    return Number((await this.#client.rotateKey({})).secrets);
  }

  async #typed<T>(path: string, read: ConfigReader<T>, fallback: T | undefined): Promise<T | undefined> {
    const { json } = await this.read(path);
    if (json === undefined) return fallback;
    requireUnmasked(path, json);
    return read(path, json);
  }
}

function isSchema(value: object | undefined): value is Schema {
  return value !== undefined && "~standard" in value;
}
