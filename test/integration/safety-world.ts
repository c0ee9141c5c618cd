import { expect } from "bun:test";
import type { TestServer } from "#testing/start-server.ts";
import { post, type HttpAnswer } from "./raw-call.ts";

/** Tokens as the auth service hands them out. */
export interface Tokens {
  readonly access: string;
  readonly refresh: string;
}

/** Somebody who calls core services over plain HTTP, with the token that he has. */
export class Caller {
  readonly #server: TestServer;
  readonly #token: string | undefined;

  constructor(server: TestServer, token?: string) {
    this.#server = server;
    this.#token = token;
  }

  /** `auth`, `Accounts.List`; the answer as it is. */
  call(
    service: string,
    endpoint: string,
    body: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<HttpAnswer> {
    const authorization = this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` };
    const path = `/${service}.${endpoint.replace(".", "/")}`;
    return post(`http://${this.#server.addresses.proxy}${path}`, body, { ...authorization, ...headers });
  }

  /** The same where it has to succeed. */
  async get(service: string, endpoint: string, body: unknown): Promise<unknown> {
    const { status, text } = await this.call(service, endpoint, body);
    expect({ endpoint, status, text }).toMatchObject({ status: 200 });
    return JSON.parse(text) as unknown;
  }
}

/** An account to make. */
export interface NewAccount {
  readonly id: string;
  readonly namespace: string;
  readonly type?: string;
  readonly scopes?: readonly string[];
}

export const testSecret = "a-secret-of-an-account-7461";

/** Makes an account as the administrator and logs it in. */
export async function createAccount(server: TestServer, account: NewAccount): Promise<Tokens> {
  const { id, namespace, type = "user", scopes = [] } = account;
  const admin = new Caller(server, await server.token());
  const options = { namespace };
  await admin.get("auth", "Auth.Generate", { id, type, scopes, secret: testSecret, options });
  return readTokens(await new Caller(server).get("auth", "Auth.Token", { id, secret: testSecret, options }));
}

/** The tokens in an answer of `Auth.Token`. */
export function readTokens(answer: unknown): Tokens {
  const { token } = answer as { token: { access_token: string; refresh_token: string } };
  return { access: token.access_token, refresh: token.refresh_token };
}
