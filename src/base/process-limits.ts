/** The numbers of `limits` that the life of a service's processes goes by. */
export const processLimits = {
  /** Processes of one service on one machine. */
  instancesPerServiceMax: 100,
  /** Services that start at the same time when the server comes back: more only fight for the processors. */
  startConcurrencyMax: 8,
  /** Time for a started process to register and answer before that is reported as a failure. */
  serviceStartTimeoutMs: 30_000,
  /** Time between the request to end and the kill of a service that runs. */
  serviceStopGraceMs: 12_000,
  /** The same for a process that outlived its server: nobody calls it any more. */
  survivorStopGraceMs: 2_000,
  /** A service that ended this often in a row, none of it after restartResetMs, is in a crash loop. */
  crashLoopCount: 5,
  /** Time between two questions to a service how it is: a hundred services cost ten calls a second. */
  healthIntervalMs: 10_000,
  /** Less between two questions, as micro.json may say it, would cost a service more than it tells. */
  healthIntervalMsMin: 100,
  /** Questions in a row without an answer before a service is taken for hung and started again: half a minute is no pause. */
  healthFailureCount: 3,
  /** Time between TERM and KILL of a service that hangs. */
  hungStopGraceMs: 2_000,
  /** After an update, how long a new version that fails is taken back for the one before. */
  updateProbationMs: 60_000,
  /** Ends of one process of a new version, within that time, that take it back. */
  updateCrashCount: 2,
  /** Processes of a new version that are started at a time: a service of a hundred must not need the memory of two hundred. */
  updateStepCount: 4,
  /** Versions before the present one that are kept, with their sources, to go back to. */
  serviceHistoryCountMax: 5,
  /** How soon the end of a service is noticed that an earlier server started; the end of its output says it at once. */
  adoptedPollMs: 1_000,
  /** Wait before a crashed service is started again; doubles with each crash up to the maximum. */
  restartInitialMs: 200,
  restartMaxMs: 30_000,
  /** A service that ran this long is healthy: its next crash counts as the first. */
  restartResetMs: 30_000,
} as const;
