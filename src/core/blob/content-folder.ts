import { chmod, copyFile, link, mkdir, open, readdir, rename, rm, type FileHandle } from "node:fs/promises";
import { fromDiskError, systemCode } from "./disk-error.ts";
import { ContentWriter } from "./content-writer.ts";

/** Id of a content file; files of any other name in the folder are somebody else's, and stay. */
const idPattern = /^[0-9a-f]{32}$/;

/** Folders of content files: enough that none of them grows too large to be listed. */
const shelves = Array.from({ length: 256 }, (_, index) => index.toString(16).padStart(2, "0"));

/** Files that are linked into a copy at a time. */
const linkConcurrency = 16;

/**
 * Content files, `<folder>/<first two letters of the id>/<id>`. They are written aside in `incoming/`, never change, and
 * know nothing of the blobs that they belong to.
 */
export class ContentFolder {
  readonly path: string;
  /** Shelves that exist, and are known on disk to do so. */
  readonly #shelves = new Set<string>();

  private constructor(path: string) {
    this.path = path;
  }

  /** Makes the folder where it is missing, readable by its owner only, and forgets what was never finished. */
  static async open(path: string): Promise<ContentFolder> {
    await mkdir(path, { recursive: true, mode: 0o700 });
    await chmod(path, 0o700);
    await rm(`${path}/incoming`, { recursive: true, force: true });
    await mkdir(`${path}/incoming`, { mode: 0o700 });
    return new ContentFolder(path);
  }

  /** Shelf names, in order. */
  get shelves(): readonly string[] {
    return shelves;
  }

  createId(): string {
    return crypto.randomUUID().replaceAll("-", "");
  }

  /** Where the content with this id lies. */
  file(id: string): string {
    return `${this.path}/${shelfOf(id)}/${id}`;
  }

  /** A new file beside the others. */
  create(id: string): Promise<ContentWriter> {
    return ContentWriter.open(`${this.path}/incoming/${id}`);
  }

  /** Puts a finished file in its place, where it stays also when the power fails. */
  async keep(id: string): Promise<void> {
    const shelf = shelfOf(id);
    if (!this.#shelves.has(shelf)) {
      await mkdir(`${this.path}/${shelf}`, { recursive: true, mode: 0o700 });
      await syncFolder(this.path);
      this.#shelves.add(shelf);
    }
    await rename(`${this.path}/incoming/${id}`, this.file(id));
    await syncFolder(`${this.path}/${shelf}`);
  }

  /** The open file, or undefined when there is none. */
  async open(id: string): Promise<FileHandle | undefined> {
    try {
      return await open(this.file(id), "r");
    } catch (reason) {
      if (systemCode(reason) === "ENOENT") return undefined;
      throw fromDiskError(reason, this.path);
    }
  }

  /** A missing one is no error. */
  async remove(id: string): Promise<void> {
    await rm(this.file(id), { force: true });
  }

  /** Removes a file that was finished and is not wanted after all, wherever it lies. */
  async discard(id: string): Promise<void> {
    await rm(`${this.path}/incoming/${id}`, { force: true });
    await this.remove(id);
  }

  async isEmpty(): Promise<boolean> {
    for (const shelf of shelves) if ((await this.ids(shelf)).length > 0) return false;
    return true;
  }

  /** Ids of the contents on a shelf. */
  async ids(shelf: string): Promise<string[]> {
    const names = await readdir(`${this.path}/${shelf}`).catch((reason: unknown) => {
      if (systemCode(reason) === "ENOENT") return [];
      throw reason;
    });
    return names.filter((name) => idPattern.test(name) && shelfOf(name) === shelf);
  }

  /** All contents, once more in `target`: as further names of the same files where the disk is the same, which costs no space. */
  async copyTo(target: string): Promise<void> {
    for (const shelf of shelves) {
      const ids = await this.ids(shelf);
      if (ids.length === 0) continue;
      await mkdir(`${target}/${shelf}`, { recursive: true, mode: 0o700 });
      for (let at = 0; at < ids.length; at += linkConcurrency) {
        const some = ids.slice(at, at + linkConcurrency);
        await Promise.all(some.map((id) => linkOrCopy(this.file(id), `${target}/${shelf}/${id}`)));
      }
    }
  }
}

function shelfOf(id: string): string {
  return id.slice(0, 2);
}

/** Forces the names in a folder to disk. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Other disks, and file systems without links, get a copy. */
async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (reason) {
    if (!["EXDEV", "EPERM", "EMLINK", "ENOTSUP", "EOPNOTSUPP"].includes(systemCode(reason) ?? "")) throw reason;
    await copyFile(from, to);
  }
}
