import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { MicroError } from "#base/error.ts";
import { isRecord } from "#base/json.ts";

const usualFiles = ["main.py", "app.py", "__main__.py"];

/** What a folder runs on Python: a file, or a program that its `pyproject.toml` installs. */
export type PythonEntry = { readonly file: string } | { readonly script: string };

/**
 * One of the usual files, else the program that `pyproject.toml` names.
 *
 * @throws MicroError `invalid_argument` for a `pyproject.toml` that is not TOML, or that names several programs.
 */
export async function findNamedPython(folder: string, name: string): Promise<PythonEntry | undefined> {
  const file = usualFiles.find((each) => existsSync(`${folder}/${each}`));
  if (file !== undefined) return { file: `${folder}/${file}` };
  if (!existsSync(`${folder}/pyproject.toml`)) return undefined;
  const scripts = await readScripts(`${folder}/pyproject.toml`);
  const script = scripts.includes(name) ? name : scripts[0];
  if (script === undefined) return undefined;
  if (scripts.length === 1 || script === name) return { script };
  const detail = `pyproject.toml names several programs: ${scripts.join(", ")}; choose one with --command`;
  throw new MicroError("invalid_argument", detail);
}

/** The only Python file of a folder. */
export async function findOnlyPython(folder: string): Promise<PythonEntry | undefined> {
  const names = (await readdir(folder)).filter(
    (name) => name.endsWith(".py") && !/^(test_.*|conftest|setup)\.py$/.test(name),
  );
  const [only] = names;
  return only !== undefined && names.length === 1 ? { file: `${folder}/${only}` } : undefined;
}

async function readScripts(path: string): Promise<readonly string[]> {
  const value = parseToml(await readFile(path, "utf8"));
  const project = isRecord(value) ? value["project"] : undefined;
  const scripts = isRecord(project) ? project["scripts"] : undefined;
  return isRecord(scripts) ? Object.keys(scripts) : [];
}

function parseToml(text: string): unknown {
  try {
    return Bun.TOML.parse(text);
  } catch (cause) {
    throw new MicroError("invalid_argument", "pyproject.toml of the source is not TOML", { cause });
  }
}
