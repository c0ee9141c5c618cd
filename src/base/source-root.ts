import { isRecord } from "./json.ts";

/**
 * What tells whether a folder of a repository can be run without the rest of it. It errs on the side of the whole: what is sent
 * in vain costs time, what is missing breaks the service.
 */

/** Files that make a folder a project of its own: they say what it depends on. */
export const projectFiles: readonly string[] = [
  "package.json",
  "go.mod",
  "pyproject.toml",
  "requirements.txt",
  "setup.py",
  "Cargo.toml",
  "deno.json",
];

/** Files that make a folder the head of projects below it, whatever is in them. */
const workspaceFiles: readonly string[] = ["pnpm-workspace.yaml", "go.work"];

/** Larger files are data, or were made by a program. */
export const scannedBytesMax = 1024 * 1024;

const scannedExtensions =
  /\.(?:[cm]?[jt]sx?|json[c5]?|go|mod|work|py|toml|cfg|ini|ya?ml|sh|bash|rb|php|rs|java|kts?|gradle|proto|sql|env|lua|ex|exs|cs|csproj|c|h|cc|cpp|hpp)$/i;

/** Whether a file of a folder is looked through for paths that lead above it: code and settings are, prose is not. */
export function isScanned(path: string): boolean {
  const name = path.slice(path.lastIndexOf("/") + 1);
  return scannedExtensions.test(name) || /^(?:[^.]+|\.[^.]+)$/.test(name);
}

/** Whether a text names something above the folder that it lies in. @param path of the file below that folder. */
export function namesAbove(path: string, text: string): boolean {
  const depth = path.split("/").length - 1;
  // As many steps up in a row as lead out; what a longer row says is found in it.
  return new RegExp(`(?:\\.\\.[/\\\\]+){${depth + 1}}|["'\`](?:\\.\\.[/\\\\]+){${depth}}\\.\\.["'\`]`).test(text);
}

/** Files above a folder that are asked for, the nearest first. @param folder below the root of its repository. */
export function filesAbove(folder: string): readonly string[] {
  const parts = folder.split("/");
  const above = parts.map((_, index) => parts.slice(0, parts.length - 1 - index).join("/"));
  const names = [...workspaceFiles, ...projectFiles];
  return above.flatMap((each) => names.map((name) => (each === "" ? name : `${each}/${name}`)));
}

/** What was found of {@link filesAbove}. */
export interface FilesAbove {
  /** Whether the folder has a file of {@link projectFiles}. */
  readonly isProject: boolean;
  /** Paths that are there. */
  readonly paths: readonly string[];
  /** Content of each `package.json` of them. */
  readonly packages: readonly string[];
}

/** Whether what lies above a folder says that it belongs together with it. */
export function belongsToWhole({ isProject, paths, packages }: FilesAbove): boolean {
  if (paths.some((path) => workspaceFiles.includes(path.slice(path.lastIndexOf("/") + 1)))) return true;
  return packages.some(namesWorkspaces) || (!isProject && paths.length > 0);
}

function namesWorkspaces(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) && value["workspaces"] !== undefined;
  } catch {
    // What cannot be read may say anything.
    return true;
  }
}
