/** A part of the server that keeps something on disk. */
export interface BackupPart {
  /** Folder of the part in the archive. */
  readonly name: string;
  /**
   * Writes a copy of everything that the part keeps into `folder`, which exists and is empty: what was acknowledged before
   * the call, nothing half done. Calls go on being answered meanwhile.
   *
   * @throws MicroError `unavailable` when the disk refuses.
   */
  copyTo(folder: string): Promise<void>;
}
