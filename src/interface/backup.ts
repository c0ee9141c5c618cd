/** A part of the server that keeps something on disk. */
export interface BackupPart {
  /** Folder of the part in the archive. */
  readonly name: string;
  /**
   * Called with the same folder before the first part is copied: for what another part may point to when it is copied, and
   * what may be gone when `copyTo` is called.
   */
  prepare?(folder: string): Promise<void>;
  /**
   * Writes a copy of everything that the part keeps into `folder`, which exists and is empty but for what `prepare` put there: what was acknowledged before
   * the call, nothing half done. Calls go on being answered meanwhile.
   *
   * @throws MicroError `unavailable` when the disk refuses.
   */
  copyTo(folder: string): Promise<void>;
}
