/**
 * Every number that somebody may ask about, in one place, each with its reason. Units are in the names.
 */

export const KiB = 1024;
export const MiB = 1024 * KiB;

export const limits = {
  /** One RPC message. Micro allows 1 GiB; that lets one caller exhaust the server. Big data goes through streams. */
  messageBytesMax: 32 * MiB,
  /** Fields, keys and indexes on the way to a value of a JSON message: twice the nesting that protobuf readers allow, since a list takes two. */
  messageDepthMax: 200,
  /** One uploaded source, packed. A service's source without its dependencies is far below. */
  sourceBytesMax: 256 * MiB,
  /** One source, unpacked: a small archive must not fill the disk. */
  sourceUnpackedBytesMax: 1024 * MiB,
  /** Files in one source. */
  sourceFileCountMax: 50_000,
  /** All headers of a request; the default of Node and of most proxies. */
  headerBytesMax: 16 * KiB,
  /** Length of the path of a request. */
  pathBytesMax: 4 * KiB,
  /** Names of services, accounts, namespaces, rules: fits a DNS name and a file name with a suffix. */
  nameLengthMax: 128,
  /** Concurrent streams of one HTTP/2 connection. */
  streamsPerConnectionMax: 1_000,
  /** Messages of a stream that may wait for a slow reader before the sender is paused. */
  streamQueueCountMax: 64,
  /** Unary calls without a deadline of their own, as Micro clients do. */
  requestTimeoutMs: 60_000,
  /** Time for a TCP connection or HTTP/2 session to stand. */
  dialTimeoutMs: 5_000,
  /** Connections that saw no call for this long are closed. */
  connectionIdleMs: 60_000,
  /** How long a stopping server waits for the calls in flight. */
  drainTimeoutMs: 10_000,
  /** A registry entry lives this long without a heartbeat: three missed beats of 30 s; less makes a pause look like a death. */
  registryTtlMs: 90_000,
  registryHeartbeatMs: 30_000,
  /** Nodes in one registry: ten times what one machine has run in trials, so that one caller cannot fill its memory. */
  registryNodeCountMax: 100_000,
  /** Events that may wait for a slow watcher before they are replaced by one snapshot. */
  watchQueueCountMax: 1_024,
  /** Life of an access token when the caller asks for none. */
  accessTokenMs: 15 * 60_000,
  /** The longest life of an access token of a user: the command line refreshes once a day. */
  accessTokenMaxMs: 24 * 3_600_000,
  /** Service tokens outlive what Go clients ask for, because those never refresh them. */
  serviceTokenMs: 30 * 24 * 3_600_000,
  /** A refresh token that is not used for this long is dead. */
  refreshTokenMs: 30 * 24 * 3_600_000,
  /** A refresh token that was just rotated is still answered for this long, so that two commands at once do not log out. */
  refreshGraceMs: 30_000,
  /** Decisions and verified tokens kept in memory. */
  tokenCacheCountMax: 10_000,
  /** One message carried by an error: longer texts are cut. */
  errorDetailBytesMax: 4 * KiB,
} as const;
