import { checkName } from "#cli/check-name.ts";
import { CommandError } from "#cli/command-error.ts";
import type { ErrorSurroundings } from "#cli/output/error-output.ts";
import type { FlagValues } from "#cli/arguments/flag-values.ts";
import { resolveHome } from "#base/home.ts";
import { ConfigFile } from "./config-file.ts";
import { EnvironmentList, type NamedEnvironment } from "./environment-list.ts";
import { currentUser, rootNamespace } from "./current-user.ts";
import { LoginFile, type Login, type LoginKey } from "./login-file.ts";
import { formatMethodPath } from "./method-path.ts";
import { refreshLogin } from "./refresh-login.ts";
import { locateServer, type ServerUrl } from "./server-url.ts";
import { sendStream } from "./stream-request.ts";
import { sendUnary, type RpcRequest } from "./unary-request.ts";

/** Variables of the process. */
export type Variables = Readonly<Record<string, string | undefined>>;

export interface CallOptions {
  /** @default limits.requestTimeoutMs; streams have none */
  readonly timeoutMs?: number;
  /** Travels with the call. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Sent there instead of to the environment's server. */
  readonly server?: ServerUrl;
  /** Without the user's token: for what logs him in. */
  readonly isAnonymous?: boolean;
  /** Ends a stream, or the wait for an answer. */
  readonly signal?: AbortSignal;
}

/** What is called. */
export interface CallTarget {
  readonly service: string;
  /** `Type.Method`. */
  readonly endpoint: string;
}

/**
 * What a command works with: the environment, namespace and account that flags, variables and settings choose, in this
 * order, and calls to the server made with them. Nothing is read before it is asked for, and reading creates no file.
 */
export class Session {
  readonly #variables: Variables;
  readonly #flags: FlagValues;
  readonly config: ConfigFile;
  readonly environments: EnvironmentList;
  readonly logins: LoginFile;
  readonly #serverFile: string;
  #dialled: string | undefined;
  #sentToken = false;

  constructor(variables: Variables, flags: FlagValues) {
    const paths = resolveHome(variables);
    this.#variables = variables;
    this.#flags = flags;
    this.config = new ConfigFile(this.#setting("config-file", "MICRO_CONFIG_FILE") ?? paths.configFile);
    this.environments = new EnvironmentList(this.config);
    this.logins = new LoginFile(paths.tokensFile);
    this.#serverFile = paths.serverFile;
  }

  /** @throws CommandError for one that is not there. */
  get environment(): NamedEnvironment {
    const name = this.#setting("env", "MICRO_ENV") ?? this.environments.current();
    const environment = this.environments.find(name);
    if (environment !== undefined) return environment;
    throw new CommandError(`Env "${name}" not found. See \`micro env\` for available environments.`);
  }

  /** The namespace that was chosen, or undefined where none ever was. */
  get chosenNamespace(): string | undefined {
    const chosen = this.#setting("namespace", "MICRO_NAMESPACE");
    return chosen ?? this.config.get(`namespaces.${this.environment.name}.current`);
  }

  get namespace(): string {
    return checkName("namespace", this.chosenNamespace ?? rootNamespace);
  }

  get server(): ServerUrl {
    const environment = this.environment;
    this.#dialled ??= environment.address;
    const server = locateServer(environment, this.#serverFile);
    this.#dialled = server.address;
    return server;
  }

  /** Where a login of `account` in `namespace` is kept. */
  loginKey(account: string, namespace: string = this.namespace): LoginKey {
    return { address: this.environment.address, namespace, account };
  }

  /** The login that commands act with: the one of the namespace, else the one of the installation's own namespace. */
  currentLogin(): { readonly key: LoginKey; readonly login: Login } | undefined {
    const own = currentUser(this.config, this.environment.name, this.namespace);
    const root = currentUser(this.config, this.environment.name, rootNamespace);
    const candidates: readonly (readonly [string | undefined, string])[] = [
      [own, this.namespace],
      // Micro's own command line keeps one name for all namespaces.
      [root, this.namespace],
      [root, rootNamespace],
    ];
    for (const [account, namespace] of candidates) {
      if (account === undefined) continue;
      const key = this.loginKey(account, namespace);
      const login = this.logins.read(key);
      if (login !== undefined) return { key, login };
    }
    return undefined;
  }

  /** The user's access token, fresh for a minute at least; undefined when nobody is logged in. */
  async token(): Promise<string | undefined> {
    const current = this.currentLogin();
    if (current === undefined) return undefined;
    const requestToken = (body: unknown): Promise<unknown> =>
      this.call("auth", "Auth.Token", body, { isAnonymous: true });
    return (await refreshLogin({ logins: this.logins, requestToken }, current)).accessToken;
  }

  /** Calls an endpoint with one message. @throws MicroError */
  async call(service: string, endpoint: string, body: unknown, options: CallOptions = {}): Promise<unknown> {
    return this.callText({ service, endpoint }, JSON.stringify(body), options);
  }

  /** Calls an endpoint with a message that is JSON text, which is sent as it is: its numbers keep all their digits. */
  async callText(target: CallTarget, bodyText: string, options: CallOptions = {}): Promise<unknown> {
    return sendUnary(await this.#request(target, options), bodyText);
  }

  /** Calls a streaming endpoint with messages that are JSON texts. @throws MicroError */
  async *stream(
    target: CallTarget,
    messages: AsyncIterable<string>,
    options: CallOptions = {},
  ): AsyncGenerator<unknown> {
    yield* sendStream(await this.#request(target, options), messages);
  }

  /** What an error message needs to know. */
  surroundings(): ErrorSurroundings {
    return { address: this.#dialled, isLoggedIn: this.#sentToken };
  }

  async #request({ service, endpoint }: CallTarget, options: CallOptions): Promise<RpcRequest> {
    const path = formatMethodPath(service, endpoint);
    const server = options.server ?? this.server;
    this.#dialled = server.address;
    const token = options.isAnonymous === true ? undefined : await this.token();
    if (token !== undefined) this.#sentToken = true;
    const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
    return {
      server,
      path,
      headers: { ...options.metadata, "micro-namespace": this.namespace, ...authorization },
      ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    };
  }

  /** A flag, else a variable; empty ones count as not given. */
  #setting(flag: string, variable: string): string | undefined {
    const value = this.#flags.text(flag) ?? this.#variables[variable];
    return value === "" ? undefined : value;
  }
}
