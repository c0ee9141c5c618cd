/** First line of a unit that we wrote, by which we know it again. */
export const unitMark = "# Written by micro server install; another install replaces it.";

export interface ServerUnit {
  /** Program and arguments. */
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Who runs it; absent in a unit of a user. */
  readonly user?: string;
  /** Whether it listens below port 1024 without being root. */
  readonly takesLowPorts: boolean;
}

/**
 * The systemd unit of a server. Only the server itself is ended with it: its services go on, and the next server takes them
 * over, so that an upgrade is a restart.
 */
export function formatUnit({ command, environment, user, takesLowPorts }: ServerUnit): string {
  const lines = [
    unitMark,
    "[Unit]",
    "Description=Micro server",
    ...(user === undefined ? [] : ["Wants=network-online.target", "After=network-online.target"]),
    "",
    "[Service]",
    "Type=exec",
    ...(user === undefined ? [] : [`User=${user}`]),
    ...Object.entries(environment).map(([name, value]) => `Environment=${quoteWord(`${name}=${value}`)}`),
    // "$" is a variable only here.
    `ExecStart=${command.map((word) => quoteWord(word).replaceAll("$", "$$$$")).join(" ")}`,
    "Restart=always",
    "RestartSec=1",
    "# Services outlive the server: they are not its processes to end.",
    "KillMode=process",
    "SendSIGKILL=yes",
    "TimeoutStopSec=60",
    "# One service without memory is not the end of all.",
    "OOMPolicy=continue",
    "# The server makes groups for the limits of its services.",
    "Delegate=yes",
    "LimitNOFILE=65536",
    "TasksMax=infinity",
    "UMask=0077",
    ...(takesLowPorts ? ["AmbientCapabilities=CAP_NET_BIND_SERVICE"] : []),
    "",
    "[Install]",
    `WantedBy=${user === undefined ? "default.target" : "multi-user.target"}`,
  ];
  return `${lines.join("\n")}\n`;
}

/** A word as systemd.syntax(7) reads it: "%" is doubled, and what is more than plain stands in quotes. */
function quoteWord(word: string): string {
  const escaped = word.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n").replaceAll("%", "%%");
  return /^[\w@+:=.,/%-]+$/.test(escaped) ? escaped : `"${escaped}"`;
}
