/** What kind of SQLite file a block keeps: how messages speak of it, and how it comes to its present form. */
export interface SqliteFormat {
  /** Who reports its failures: the `id` of the errors, such as `store`. */
  readonly at: string;
  /** What messages call it: `store` gives "the store file PATH is damaged". */
  readonly what: string;
  /**
   * What each version of the file adds to the one before it; the version is in `user_version`. Steps are only ever added.
   */
  readonly migrations: readonly string[];
  /** A file up to this size is read as a whole when it is opened; a bigger one is checked page by page as it is read. */
  readonly checkBytesMax: number;
  /**
   * Memory that each connection takes at most, as it reads, to keep pages of the file at hand.
   *
   * @default what SQLite takes, 2 MB
   */
  readonly cacheBytesMax?: number;
  /**
   * Pages in the log from which on a `Checkpointer` sees to it that the log begins anew: with more of them, a page that is
   * written often is moved less often.
   *
   * @default commits do it, as SQLite has it: every 1,000 pages, which is cheap where only the end of a file is written
   */
  readonly logPageCount?: number;
}
