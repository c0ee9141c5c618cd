import { generateKeyPairSync } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { SignJWT } from "jose";
import { systemClock } from "#base/clock.ts";
import { MicroError } from "#base/error.ts";
import { resolveHome, type ServerFile } from "#base/home.ts";
import { silentLogger } from "#base/logger.ts";
import { MemoryRegistry } from "#core/registry/memory-registry.ts";
import { createRegistryTable } from "#core/registry/registry-table.ts";
import { Auth } from "#gen/auth/auth_pb.ts";
import { createForwarder } from "#proxy/forwarder.ts";
import { createCallerGuard } from "#rpc/caller-guard.ts";
import type { ForwardingClient } from "#rpc/forwarding-method.ts";
import { GrpcTransport } from "#rpc/grpc-transport.ts";
import type { HttpListener } from "#rpc/http-exchange.ts";
import type { ServiceTable } from "#rpc/method.ts";
import { protoMethods } from "#rpc/proto-service.ts";
import { listenRpc } from "#rpc/rpc-listener.ts";
import { createRpcServer } from "#rpc/rpc-server.ts";
import { createServiceTable } from "#rpc/service-table.ts";
import { createAccountVerifier } from "#service/account-verifier.ts";

/** The account that services of these tests have. */
export const credentials = { id: "lab-latest", secret: "lab secret" };

/**
 * What a service needs of a server and no more: registry, tokens and a network that forwards. It can go away and come
 * back on the same port with nothing left, which is what a restart is for a service.
 */
export class ServiceNetwork implements AsyncDisposable {
  readonly #keys = generateKeyPairSync("rsa", { modulusLength: 2048 });
  readonly #transport = new GrpcTransport();
  #registry = new MemoryRegistry({ clock: systemClock });
  #listener: HttpListener | undefined;
  /** Tokens that were given out. */
  tokenCount = 0;

  static async open(): Promise<ServiceNetwork> {
    const network = new ServiceNetwork();
    await network.start("127.0.0.1:0");
    return network;
  }

  get address(): string {
    if (this.#listener === undefined) throw new Error("the network is down");
    return this.#listener.address;
  }

  get registry(): MemoryRegistry {
    return this.#registry;
  }

  /** Base64 of the PEM key, as a server publishes it. */
  get publicKey(): string {
    return Buffer.from(this.#keys.publicKey.export({ type: "spki", format: "pem" })).toString("base64");
  }

  /** Variables of a service that the runtime would start. */
  get variables(): Record<string, string> {
    return {
      MICRO_SERVICE_NETWORK: this.address,
      MICRO_CLIENT_ID: credentials.id,
      MICRO_CLIENT_SECRET: credentials.secret,
      MICRO_PUBLIC_KEY: this.publicKey,
    };
  }

  /** An access token of a user. */
  token(id: string): Promise<string> {
    return this.#sign({ type: "user", scopes: ["admin"], metadata: null, name: id }, id);
  }

  /** Writes what a server leaves for the services of its machine. */
  async writeHome(home: string): Promise<void> {
    const paths = resolveHome({ MICRO_HOME: home });
    await mkdir(home, { recursive: true });
    const server: ServerFile = {
      pid: process.pid,
      version: "test",
      startedAtMs: Date.now(),
      gateway: "127.0.0.1:1",
      proxy: this.address,
      network: this.address,
      publicKey: this.publicKey,
    };
    await writeFile(paths.serverFile, JSON.stringify(server));
    await writeFile(paths.serviceCredentialsFile, JSON.stringify(credentials));
  }

  /** Forgets everything and comes back on the same port. */
  async restart(): Promise<void> {
    const { address } = this;
    await this.stop();
    await this.start(address);
  }

  async stop(): Promise<void> {
    await this.#listener?.stop(0);
    this.#listener = undefined;
    await this.#registry.stop();
    this.#registry = new MemoryRegistry({ clock: systemClock });
  }

  async start(address: string): Promise<void> {
    const tables = new Map(
      [this.#authTable(), createRegistryTable(this.#registry, "test")].map((each) => [each.name, each]),
    );
    const server = createRpcServer({
      name: "network",
      logger: silentLogger,
      guard: createCallerGuard({
        verifier: createAccountVerifier(() => this.publicKey),
        rules: { decide: () => ({ granted: true }) },
        isCore: (service) => tables.has(service),
      }),
      resolve: createForwarder({
        client: this.#client(),
        directory: this.#registry,
        core: (service) => tables.get(service),
      }),
    });
    this.#listener = await listenRpc({ address, server });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.#transport.close();
  }

  #authTable(): ServiceTable {
    const methods = protoMethods(Auth, {
      token: async ({ id, secret }) => {
        if (id !== credentials.id || secret !== credentials.secret) {
          throw new MicroError("invalid_argument", "Secret not correct", { at: "auth" });
        }
        this.tokenCount += 1;
        const accessToken = await this.#sign({ type: "service", scopes: ["service"], metadata: null, name: id }, id);
        const created = Math.floor(Date.now() / 1_000);
        return { token: { accessToken, refreshToken: "-", created: BigInt(created), expiry: BigInt(created + 3_600) } };
      },
    });
    return createServiceTable({ name: "auth", version: "test", methods });
  }

  #client(): ForwardingClient {
    const nodeOf = (service: string, namespace: string): string => {
      const [node] = this.#registry.nodes(service, namespace);
      if (node === undefined) throw new MicroError("not_found", `service ${service}: route not found`);
      return node.address;
    };
    return {
      unary: (call, message) => this.#transport.unary(nodeOf(call.service, call.namespace), call, message),
      stream: (call, messages) => this.#transport.stream(nodeOf(call.service, call.namespace), call, messages),
    };
  }

  #sign(claims: Record<string, unknown>, subject: string): Promise<string> {
    return new SignJWT(claims)
      .setProtectedHeader({ alg: "RS256", typ: "JWT" })
      .setSubject(subject)
      .setIssuer("micro")
      .setExpirationTime("1h")
      .sign(this.#keys.privateKey);
  }
}
