import { CommandError } from "#cli/command-error.ts";
import type { Command } from "#cli/command.ts";

/** `micro server`: the one command that loads the server. */
export const run: Command = {
  kind: "command",
  summary: "Run the micro server",
  usage: "",
  details:
    "Starts every core service, the API gateway, the identity proxy and the service network in this process, and\n" +
    'prints "ready". Listens on loopback unless an address names another host. Ctrl-C stops it.',
  flags: [
    {
      name: "gateway-address",
      kind: "string",
      placeholder: "HOST:PORT",
      help: "HTTP API gateway, default 127.0.0.1:8080; port 0 takes a free one (MICRO_GATEWAY_ADDRESS)",
    },
    {
      name: "proxy-address",
      aliases: ["address"],
      kind: "string",
      placeholder: "HOST:PORT",
      help: "identity proxy, default 127.0.0.1:8081 (MICRO_PROXY_ADDRESS)",
    },
    {
      name: "network-address",
      kind: "string",
      placeholder: "HOST:PORT",
      help: "service network, default 127.0.0.1:8443 (MICRO_NETWORK_ADDRESS)",
    },
    {
      name: "registry-address",
      kind: "string",
      placeholder: "HOST:PORT",
      help: "core services where Micro has its registry, default 127.0.0.1:8000 if free; or off (MICRO_REGISTRY_ADDRESS)",
    },
    {
      name: "broker-address",
      kind: "string",
      placeholder: "HOST:PORT",
      help: "core services where Micro has its broker, default 127.0.0.1:8003 if free; or off (MICRO_BROKER_ADDRESS)",
    },
    {
      name: "keep-services",
      kind: "bool",
      help: "a stop leaves services running for the next start to take over (MICRO_KEEP_SERVICES)",
    },
    {
      name: "workers",
      kind: "string",
      placeholder: "NUMBER",
      help: "further processes for gateway, proxy and network, for machines with many cores; default 0 (MICRO_WORKERS)",
    },
    {
      name: "log-level",
      kind: "string",
      placeholder: "LEVEL",
      help: "trace, debug, info, warn or error (MICRO_LOG_LEVEL)",
    },
    {
      name: "log-size",
      kind: "string",
      placeholder: "SIZE",
      help: "what is kept of the log of one service, default 32MiB (MICRO_LOG_SIZE)",
    },
    {
      name: "log-age",
      kind: "string",
      placeholder: "TIME",
      help: "how long lines of services are kept, default 14d (MICRO_LOG_AGE)",
    },
    {
      name: "access-log",
      kind: "string",
      placeholder: "MODE",
      help: "requests in the log: off, errors (status 500 and above) or all; default errors (MICRO_ACCESS_LOG)",
    },
    {
      name: "cors-origins",
      kind: "string",
      placeholder: "LIST",
      help: "web pages that may call the gateway: origins with commas, or * for all, the default (MICRO_CORS_ORIGINS)",
    },
    {
      name: "rate-limit-account",
      kind: "string",
      placeholder: "RATE",
      help: "requests of one account at the gateway, such as 100/s or 600/m; default no limit (MICRO_RATE_LIMIT_ACCOUNT)",
    },
    {
      name: "rate-limit-address",
      kind: "string",
      placeholder: "RATE",
      help: "the same of one address (MICRO_RATE_LIMIT_ADDRESS)",
    },
    {
      name: "max-requests-address",
      kind: "string",
      placeholder: "NUMBER",
      help: "requests of one address at the same time; default no limit (MICRO_MAX_REQUESTS_ADDRESS)",
    },
    {
      name: "tls-cert",
      kind: "string",
      placeholder: "FILE",
      help: "certificate of the gateway, PEM; makes it speak HTTPS (MICRO_TLS_CERT)",
    },
    {
      name: "tls-key",
      kind: "string",
      placeholder: "FILE",
      help: "key of the certificate, PEM (MICRO_TLS_KEY)",
    },
  ],
  wordCount: { min: 0, max: 0 },
  run: async ({ flags }) => {
    const [{ runServer }, { MicroError }] = await Promise.all([import("#server/main.ts"), import("#base/error.ts")]);
    const given = {
      gatewayAddress: flags.text("gateway-address"),
      proxyAddress: flags.text("proxy-address"),
      networkAddress: flags.text("network-address"),
      registryAddress: flags.text("registry-address"),
      brokerAddress: flags.text("broker-address"),
      keepServices: flags.has("keep-services") ? String(flags.isOn("keep-services")) : undefined,
      workers: flags.text("workers"),
      logLevel: flags.text("log-level"),
      logSize: flags.text("log-size"),
      logAge: flags.text("log-age"),
      accessLog: flags.text("access-log"),
      corsOrigins: flags.text("cors-origins"),
      rateLimitAccount: flags.text("rate-limit-account"),
      rateLimitAddress: flags.text("rate-limit-address"),
      maxRequestsAddress: flags.text("max-requests-address"),
      tlsCert: flags.text("tls-cert"),
      tlsKey: flags.text("tls-key"),
    };
    try {
      await runServer(withoutUndefined(given));
    } catch (reason) {
      // A server that cannot start is a plain failure of this command; the other exit codes speak of a server that answered.
      const { code, detail } = MicroError.from(reason);
      throw new CommandError(detail, { code, cause: reason });
    }
  },
};

function withoutUndefined<T extends Readonly<Record<string, string | undefined>>>(
  values: T,
): { [K in keyof T]?: string } {
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as { [K in keyof T]?: string };
}
