/**
 * Every number that somebody may ask about, in one place, each with its reason. Units are in the names.
 */

import { processLimits } from "./process-limits.ts";

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
  /** Files of kept sources whose contents are known in memory, so that uploads may leave them out: some tens of MiB. */
  sourceIndexCountMax: 200_000,
  /** Sources that are read anew for one such question, the newest first: after a start nothing is known, and nobody waits for all. */
  sourceIndexStepCount: 10,
  /** All headers of a request; the default of Node and of most proxies. */
  headerBytesMax: 16 * KiB,
  /** Length of the path of a request. */
  pathBytesMax: 4 * KiB,
  /** Parameters of one query or form: far above any real one, far below what would keep a processor busy. */
  parameterCountMax: 1_000,
  /** Names of services, accounts, namespaces, rules: fits a DNS name and a file name with a suffix. */
  nameLengthMax: 128,
  /** Concurrent streams of one HTTP/2 connection. */
  streamsPerConnectionMax: 1_000,
  /** Calls in flight on one of our connections before the client opens another: more share one core of the peer and one socket buffer. */
  callsPerConnection: 100,
  /** Connections of one client to one address; when all have their share of calls, they are filled up to streamsPerConnectionMax. */
  connectionsPerAddressMax: 16,
  /** Calls of one client to one service under way, streams too: a service that hangs must not take all memory of an edge. */
  callsPerServiceMax: 10_000,
  /** HTTP/1.1 carries one call a connection: calls in flight to one address. A service that hangs holds up only its own callers. */
  httpConnectionsPerAddressMax: 512,
  /** Calls that may wait for one of those connections; each has a deadline of its own. */
  httpWaitingCountMax: 4_096,
  /** Messages of a stream that may wait for a slow reader before the sender is paused. */
  streamQueueCountMax: 64,
  /** Messages of a WebSocket that may wait for the service: its sender cannot be paused, so it is refused. */
  socketQueueCountMax: 1_024,
  /** WebSockets of one gateway; each may cost tens of KiB. */
  socketCountMax: 10_000,
  /** Answers of one gateway that are streams and have not ended. */
  liveStreamCountMax: 10_000,
  /** Requests that one gateway answers at a time: far above what it can work on, below what its memory can hold. */
  requestsInFlightMax: 10_000,
  /** Callers whose rate a gateway remembers, accounts and addresses each: a megabyte or two. */
  rateBucketCountMax: 10_000,
  /** Content of one message of an upload: large enough to cost little, small enough that uploads hold little memory. */
  uploadPieceBytes: 256 * KiB,
  /** An upload of which nothing comes for this long has ended. */
  uploadIdleMs: 30_000,
  /** Unary calls without a deadline of their own, as Micro clients do. */
  requestTimeoutMs: 60_000,
  /** Time for a TCP connection or HTTP/2 session to stand. */
  dialTimeoutMs: 5_000,
  /**
   * Silence of a peer with calls under way before it is asked whether it is there: soon, then rarely, because grpc-go ends
   * connections that ask more than a few times without need.
   */
  keepAliveSilencesMs: [5_000, 30_000, 120_000, 480_000],
  /** Time to answer; a peer that takes longer is taken for dead, and its calls end. */
  keepAliveTimeoutMs: 5_000,
  /** The same for callers who wait for an answer of ours: they may be phones, and nobody waits for them. */
  callerSilencesMs: [60_000],
  callerTimeoutMs: 20_000,
  /**
   * Streams that a caller may reset on one connection at once, and a tenth of that each second: more is a flood. An edge in
   * front passes on what its own callers cancel, which must stay below.
   */
  streamResetCountMax: 10_000,
  /** Connections that saw no call for this long are closed. */
  connectionIdleMs: 60_000,
  /** Time for a new connection, or for a request that has begun, to show its whole headers: slow ones hold a place for nothing. */
  headerTimeoutMs: 10_000,
  /** Connections of one port; each may cost a file and some tens of KiB. */
  connectionCountMax: 10_000,
  /** What a peer may send ahead on one HTTP/2 stream: the default of 64 KiB halts uploads on every round trip. */
  http2StreamWindowBytes: 1 * MiB,
  /**
   * The same for all streams of a connection that we have not yet taken up. No more than for one stream: Bun renews the
   * window of a stream only after half of the connection's, so a larger one would halt every stream.
   */
  http2ConnectionWindowBytes: 1 * MiB,
  /**
   * What one HTTP/2 connection may keep waiting in memory, in MiB, before its new streams are refused: a few messages of the
   * largest size. The default of 10 is below one.
   */
  http2SessionMemoryMiB: 128,
  /** How long a stopping server waits for the calls in flight. */
  drainTimeoutMs: 10_000,
  /** Processes beside the main one that share the ports of a server: more than any machine of today has cores to give. */
  workerCountMax: 256,
  /** How often a worker is asked whether it is there; and how often in vain, before it is ended. */
  workerPingIntervalMs: 3_000,
  workerPingCountMax: 3,
  /** Time for the main process to say whether a call may pass, where a worker does not know. */
  workerVerdictMs: 10_000,
  /** Time for a worker to stop: what it drains, and two seconds. */
  workerStopMs: 12_000,
  /** How long a server waits for the workers of one that was killed on its home to leave their ports. */
  workerLeaveMs: 3_000,
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
  /** A store key in UTF-8: long enough for a path with names in it; every key is kept twice, in the table and in its index. */
  storeKeyBytesMax: 4 * KiB,
  /** A store value: it is read and written as one piece of memory. Bigger things are blobs. */
  storeValueBytesMax: 16 * MiB,
  /** The metadata of one record, as JSON: small facts, not a second value. */
  storeMetadataBytesMax: 64 * KiB,
  /** Changes of one atomic batch: all of them hold up everybody else's writes. */
  storeBatchCountMax: 1_000,
  /** Keys, values and metadata of one atomic batch. */
  storeBatchBytesMax: 32 * MiB,
  /** Writes that share one commit; above it the next commit takes the rest, so that nobody waits for a huge one. */
  storeGroupBytesMax: 8 * MiB,
  /** Writes that wait for the disk, all together; above it callers are told to wait, before memory runs out. */
  storePendingBytesMax: 128 * MiB,
  /** How often expired records are removed from the file; reads never see them, so this only frees space. */
  storePurgeIntervalMs: 1_000,
  /** Expired records removed in one commit: small, so that writes do not wait for it. */
  storePurgeCountMax: 500,
  /** Keys that one read of a store looks at in one go: a millisecond, after which others have their turn. */
  storePageCountMax: 1_000,
  /** Tasks of one call to the store: their answers are one message. */
  storeTaskCountMax: 1_000,
  /** A store file up to this size is checked as a whole when it is opened: a few milliseconds. */
  storeCheckBytesMax: 8 * MiB,
  /** Pages of the store's file at hand, a connection of two: enough that a thousand hot records among a million are. */
  storeCacheBytesMax: 32 * MiB,
  /**
   * Pages in the log of the store's file before it begins anew, some 60 MiB: a page of the file that is written often reaches
   * the disk once in that time, and pages that lie side by side do together. More would take longer to read after a crash.
   */
  storeLogPageCount: 14_000,
  /** What the log of a SQLite file keeps of the disk once it was moved into the file: it grows while a copy is made. */
  sqliteLogBytesMax: 64 * MiB,
  /** A blob's key in UTF-8: it is a record's key, with the namespace before it. */
  blobKeyBytesMax: 2 * KiB,
  /** One blob: what a file of the embedded driver may grow to before somebody has to ask for it. */
  blobBytesMax: 64 * 1024 * MiB,
  /** One piece of a blob on its way: small enough to hold many at once, big enough that the cost of a message does not show. */
  blobPieceBytes: 256 * KiB,
  /** A blob's content type: the longest registered media type has under a hundred characters. */
  blobContentTypeLengthMax: 255,
  /** Keys and facts of one list of blobs: one message must hold them. */
  blobListBytesMax: 24 * MiB,
  /** A public blob up to this size is sent with its length, which takes the whole of it in memory; larger ones in chunks. */
  blobWholeBytesMax: 1 * MiB,
  /** The list of files of a backup, which is kept in memory: a million and a half of them. */
  backupManifestBytesMax: 256 * MiB,
  /** A path inside a backup, in UTF-8: what file systems take below a home folder. */
  backupPathBytesMax: 2 * KiB,
  /** Changes of a config document that are kept: enough to see who did what this month, few enough to stay small. */
  configHistoryCountMax: 100,
  /** One config document, as JSON: it is read and written as a whole. */
  configDocumentBytesMax: 4 * MiB,
  /** Config documents kept in memory to be read again, by their size on disk; in memory they take several times as much. */
  configCacheBytesMax: 16 * MiB,
  /** Watchers of one config document. */
  configWatcherCountMax: 1_000,
  /** A path of config, in UTF-8: many times the longest that a person writes. */
  configPathBytesMax: 4 * KiB,
  /** What a change was set to is kept in the history up to this size, so that the whole history fits one answer. */
  configHistoryValueBytesMax: 64 * KiB,
  /** Changes of one document that may wait for each other; each is a write to disk. */
  configWaitingCountMax: 1_000,
  /** Times that a change is tried again because another process changed the document first. */
  configAttemptCountMax: 100,
  /** How soon a watcher learns of a change by another process; those of its own process are told at once. */
  configPollIntervalMs: 1_000,
  /** A client asks anew for what it watches after this long: a connection that died without a word must not be trusted for ever. */
  configWatchRenewMs: 5 * 60_000,
  /** A topic's name: fits a path, and leaves room for the name of a group behind it. */
  topicLengthMax: 256,
  /** An event's payload: it travels and is kept as one piece. Bigger things are blobs. */
  eventBytesMax: 8 * MiB,
  /** Metadata of one event, as JSON: small facts, not a second payload. */
  eventMetadataBytesMax: 64 * KiB,
  /** An id that a publisher chose: fits a UUID, a hash, or a path. */
  eventIdLengthMax: 256,
  /** Events of one batch: all of them hold up everybody else's. */
  eventBatchCountMax: 10_000,
  /** Events of a history read when the reader says no limit, as Micro does. */
  eventReadCountDefault: 250,
  /** Events of one history read: a message must hold them. */
  eventReadCountMax: 10_000,
  /** Payloads of one history read or one batch to a consumer, after the first event. */
  eventReadBytesMax: 4 * MiB,
  /** An event that nobody acknowledged for this long is sent again. */
  eventAckWaitMs: 30_000,
  /** Times that an event is sent again before it is a dead letter, when the consumer says nothing: a fault that outlives ten waits stays. */
  eventRetryCountMax: 10,
  /** Wait before a refused event is sent again; doubles with each attempt up to the maximum. */
  eventRetryInitialMs: 100,
  eventRetryMaxMs: 60_000,
  /** Events under way to one consumer: a few round trips of work, not the whole topic in its memory. */
  eventPendingCountMax: 1_024,
  /** Events that one group has begun and not finished, all members together: each costs memory, and a piece of the group's place. */
  eventUnfinishedCountMax: 16_384,
  /** The longest wait that a consumer may ask for when it refuses an event: longer plans belong into a schedule. */
  eventRefuseDelayMaxMs: 24 * 3_600_000,
  /** Groups without members whose unfinished events are remembered, so that attempts are counted over a consumer's restarts. */
  eventIdleGroupCountMax: 1_000,
  /** Dead letters of one write. */
  deadLetterBatchCountMax: 500,
  /** Members of one group. */
  eventConsumersPerGroupMax: 1_000,
  /** Topics of one namespace, and groups of one topic. */
  topicsPerNamespaceMax: 10_000,
  groupsPerTopicMax: 1_000,
  /** How often events that are too old or too many are removed; and how many in one commit, so that publishers do not wait for it. */
  eventRetentionIntervalMs: 1_000,
  eventRetentionCountMax: 2_000,
  /** Events and places that share one commit; above it the next commit takes the rest. */
  eventGroupBytesMax: 8 * MiB,
  /** Events and places that wait for the disk, all together; above it publishers are told to wait, before memory runs out. */
  eventPendingBytesMax: 128 * MiB,
  /** Events of one topic that are kept as one piece on disk: a single one is found by reading its whole piece. */
  eventChunkBytesMax: 64 * KiB,
  /** Answers to the last batches of a publisher that are kept, so that one that is sent again is not doubled: more than are under way at a time. */
  eventPublisherBatchesKept: 8,
  /** How long they are kept: longer than anybody goes on trying. */
  eventPublisherKeptMs: 3_600_000,
  /** How often what is older is looked for, which reads all of them. */
  eventPublisherPurgeIntervalMs: 600_000,
  eventPublisherIdLengthMax: 64,
  /** How long a batch waits for the one before it, which travels beside it. */
  eventTurnWaitMs: 2_000,
  /** Publishers whose next batch is known; one that is forgotten goes on without a wait. */
  eventPublisherTurnsMax: 10_000,
  /** An event file up to this size is checked as a whole when it is opened: a few milliseconds. */
  eventCheckBytesMax: 8 * MiB,
  /** Messages of the broker that wait for one subscriber before the oldest are dropped. */
  brokerQueueCountMax: 8_192,
  /** Bytes of the same. */
  brokerQueueBytesMax: 8 * MiB,
  /** One message of the broker. */
  brokerMessageBytesMax: 1 * MiB,
  /** Messages of one batch. */
  brokerBatchCountMax: 10_000,
  /** Messages handed to a subscriber of the broker at a time: a subscriber that stops reading holds a few times this on its way. */
  brokerDeliveryCountMax: 1_024,
  /** Bytes of the same, after the first message. */
  brokerDeliveryBytesMax: 64 * KiB,
  /** Pause after which a subscriber is told that its broker is still there. */
  brokerHeartbeatMs: 15_000,
  /** A subscriber that hears nothing for this long, three times the pause above, subscribes anew. */
  brokerSilenceMs: 45_000,
  /** Topics whose subscribers are looked up once and then known, in one namespace. */
  brokerAudienceCountMax: 10_000,
  /** Messages of one client that wait to be published before it is told to wait: ten batches. */
  brokerPendingCountMax: 100_000,
  /** Bytes of the same. */
  brokerPendingBytesMax: 64 * MiB,
  /** Subscribers of one namespace. */
  subscribersPerNamespaceMax: 10_000,
  /** Life of the credential that a launched service gets: it outlives any sensible run of one process. */
  launchCredentialMs: 365 * 24 * 3_600_000,
  /** Scopes and metadata of an account, as JSON: they travel in every token, and all headers together fit `headerBytesMax`. */
  accountClaimsBytesMax: 4 * KiB,
  /** A secret in UTF-8: hashing time grows with it. */
  secretBytesMax: KiB,
  /** Wrong secrets for one account from one address before its logins from there have to wait. */
  loginFailureCountMax: 5,
  /**
   * The same from all addresses together: so many that nobody makes an owner elsewhere wait from a few addresses, few enough
   * that many addresses guess hardly better than one.
   */
  loginFailureTotalMax: 100,
  /** Wrong secrets further apart than this are no longer counted together. */
  loginFailureWindowMs: 60_000,
  /** The first wait after too many wrong secrets; each further failure doubles it. */
  loginWaitMs: 5_000,
  /** The longest wait: 12 guesses an hour are hopeless, and the owner is not locked out for long. */
  loginWaitMaxMs: 5 * 60_000,
  /** Accounts whose failed logins are remembered, and as many pairs of account and address. */
  loginThrottleCountMax: 10_000,
  /** Secrets hashed at a time: each takes 19 MiB and a core. */
  hashConcurrencyMax: 2,
  /** Secrets that may wait to be hashed before callers are told to come back. */
  hashQueueCountMax: 64,
  /** Rules of one namespace: a decision that is not cached looks at all of them. */
  rulesPerNamespaceMax: 1_000,
  /** Entries of the audit log about changes, about 10 MiB: years of a usual installation. */
  auditChangeCountMax: 20_000,
  /** Entries about refusals and logins: what anybody can cause must not fill the disk. */
  auditNoteCountMax: 10_000,
  /** Entries of the audit log older than this are forgotten. */
  auditAgeMs: 90 * 24 * 3_600_000,
  /** What is refused again within this time is counted in the same entry. */
  auditNoteWindowMs: 60_000,
  /** How long entries about refusals may wait to be written, so that many share a commit. */
  auditFlushMs: 500,
  /** Different refusals that are kept at once before only their number is. */
  auditNoteBurstCount: 256,
  /** The same for each second after those: made-up names need hours to push out what others did. */
  auditNotesPerSecond: 1,
  /** Longest text of an entry: callers choose names. */
  auditTextLengthMax: 256,
  /** One message carried by an error: longer texts are cut, because over gRPC it travels in the headers three times. */
  errorDetailBytesMax: 2 * KiB,
  /** A path inside a source, in UTF-8: what every file system takes below the folder of the runtime. */
  sourcePathBytesMax: KiB,
  /** One extended header of an archive: it holds a path and a few numbers. */
  archiveHeaderBytesMax: 64 * KiB,
  /** One question to a git server, or one fetch: a source that takes longer is on a line that is no line. */
  gitTimeoutMs: 120_000,
  /** A git server that sends less than a kilobyte a second for this long, in seconds, has ended. */
  gitIdleSeconds: 30,
  /** What one fetch may bring, packed: no more than an upload. */
  gitFetchBytesMax: 256 * MiB,
  /** References of a repository that are looked at, as text. */
  gitRefsBytesMax: 16 * MiB,
  /** The list of all files of a commit, as text: some hundred thousand, of which a source may be a part. */
  gitTreeBytesMax: 64 * MiB,
  /** Cached repositories, all together: the least recently used go above it. */
  gitCacheBytesMax: 2 * 1024 * MiB,
  /** A cached repository that nobody asked for this long is removed. */
  gitCacheAgeMs: 14 * 24 * 3_600_000,
  /** Packs of one cached repository before what it fetched earlier is dropped: each fetch of a new commit leaves one. */
  gitPackCountMax: 16,
  ...processLimits,
  /** How often the memory of services with a limit is looked at where the system does not keep it: a fast leak gains 100 MiB meanwhile. */
  memoryWatchIntervalMs: 250,
  /** A service that needs longer to say that it is well is not. */
  healthAnswerMsMax: 2_000,
  /** A build that takes longer hangs: the slowest that we know, a first one of a large Go module, takes a few minutes. */
  buildTimeoutMs: 10 * 60_000,
  /** The log of one build: its errors come long before. */
  buildLogBytesMax: 8 * MiB,
  /** Builds that run at the same time; each uses all processors that it can get. */
  buildConcurrencyMax: 2,
  /** What is kept of the log of one version of a service, unless `--log-size` says otherwise: a quarter of a million lines. */
  logBytesMax: 32 * MiB,
  /** Lines of a service older than this go, unless `--log-age` says otherwise: what nobody looked into for two weeks. */
  logAgeMaxMs: 14 * 24 * 3_600_000,
  /** Files of one log: the oldest goes when a new one begins, so that three quarters at least are there. */
  logFileCount: 4,
  /** The same of what one part of the server logs. */
  serverLogBytesMax: 8 * MiB,
  /** Characters of the server's own log that wait for the disk before further lines are dropped. */
  serverLogWaitingLengthMax: 4 * MiB,
  /** Services whose logs one call reads at the same time. */
  logSourceCountMax: 1_000,
  /** Folders of one source that are watched for changes: more belong into .gitignore. */
  watchedFolderCountMax: 4_096,
  /** How often old lines are looked for. */
  logAgeIntervalMs: 3_600_000,
  /** One line of a service's log: longer ones are cut. */
  logLineBytesMax: 16 * KiB,
  /** Events of the runtime that wait to be written before the oldest are left out: some megabytes, and minutes of a busy server. */
  runtimeEventsWaitingMax: 10_000,
  /** Times that one batch of them is tried: half a minute of a disk that refuses. */
  runtimeEventAttemptsMax: 10,
  /** How long a stopping server waits until they are written. */
  runtimeEventsFlushMs: 2_000,
  /** Events of the runtime that a namespace keeps unless its administrators say otherwise, and for how long. */
  runtimeEventsKeptMax: 100_000,
  runtimeEventsKeptMs: 30 * 24 * 3_600_000,
  /** What one service may log in a second before its output is read more slowly: a flood must not keep a core busy. */
  logBytesPerSecondMax: 4 * MiB,
} as const;
