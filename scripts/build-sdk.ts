/**
 * `bun scripts/build-sdk.ts [FOLDER]`: the framework as JavaScript that stands alone, for services that find no checkout:
 * on Node, and those that the single executable runs. What it depends on is bundled in. Default folder: dist/sdk.
 */
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { root } from "./root.ts";

/** Name of the output → source, from the root of the checkout. */
const entryPoints: Readonly<Record<string, string>> = {
  index: "src/service/index.ts",
  proto: "src/service/proto.ts",
  client: "src/service/client.ts",
  errors: "src/service/errors.ts",
  store: "src/service/store.ts",
  blob: "src/service/blob.ts",
  config: "src/service/config.ts",
  events: "src/service/events.ts",
  broker: "src/service/broker.ts",
  model: "src/service/model.ts",
  // Generated code imports these from @bufbuild/protobuf; the copy inside the framework serves it as well.
  "bufbuild-protobuf": "node_modules/@bufbuild/protobuf/dist/esm/index.js",
  "bufbuild-protobuf-codegenv2": "node_modules/@bufbuild/protobuf/dist/esm/codegenv2/index.js",
  "bufbuild-protobuf-wkt": "node_modules/@bufbuild/protobuf/dist/esm/wkt/index.js",
};

/**
 * Builds into a folder beside `outFolder` and puts it in its place at the end, so that a service that starts meanwhile
 * never sees half of it. All files lie side by side: `NAME.js` for Node, `bun-NAME.js` for Bun.
 *
 * @throws Error with the bundler's messages when it cannot be built.
 */
export async function buildSdk(outFolder: string): Promise<void> {
  await mkdir(dirname(outFolder), { recursive: true });
  const aside = await mkdtemp(`${outFolder}.new-`);
  try {
    await bundle(aside, "node");
    await bundle(aside, "bun");
    await writeFile(join(aside, "package.json"), `${JSON.stringify(createManifest(), null, 2)}\n`);
    await replaceFolder(outFolder, aside);
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

/** Two builds may end at the same time; both gave the same, so either may stay. */
async function replaceFolder(folder: string, next: string): Promise<void> {
  const last = `${next}.last`;
  for (let attempt = 1; ; attempt += 1) {
    await rename(folder, last).catch(() => undefined);
    try {
      await rename(next, folder);
      return;
    } catch (reason) {
      if (attempt === 10) throw reason;
    } finally {
      await rm(last, { recursive: true, force: true });
    }
  }
}

/** The folder as a package of its own. */
function createManifest(): object {
  const at = (name: string): object => ({ bun: `./bun-${name}.js`, default: `./${name}.js` });
  const names = Object.keys(entryPoints).filter((name) => name !== "index" && !name.startsWith("bufbuild-"));
  const entries = names.map((name) => [`./${name}`, at(name)]);
  return { name: "micro-ts", type: "module", exports: { ".": at("index"), ...Object.fromEntries(entries) } };
}

async function bundle(folder: string, target: "node" | "bun"): Promise<void> {
  const prefix = target === "bun" ? "bun-" : "";
  const result = await Bun.build({
    entrypoints: Object.keys(entryPoints).map((name) => `micro-sdk:${name}`),
    target,
    format: "esm",
    splitting: true,
    // Names stay as they are, so that the stack traces of a service can be read.
    minify: { syntax: true },
    naming: { entry: `${prefix}[name].[ext]`, chunk: `${prefix}chunk-[hash].[ext]` },
    plugins: [namedEntryPoints],
    throw: false,
  });
  if (!result.success) throw new Error(result.logs.map(String).join("\n"));
  await Promise.all(
    result.outputs.map(async (file) => {
      const name = basename(file.path).replace("micro-sdk:", "");
      await writeFile(join(folder, name), await file.text());
    }),
  );
}

/** Lets the outputs have names of our choice: an entry point `micro-sdk:NAME` re-exports its source. */
const namedEntryPoints: Bun.BunPlugin = {
  name: "named entry points",
  setup: (build) => {
    build.onResolve({ filter: /^micro-sdk:/ }, ({ path }) => ({
      namespace: "micro-sdk",
      path: path.slice("micro-sdk:".length),
    }));
    build.onLoad({ filter: /.*/, namespace: "micro-sdk" }, ({ path }) => ({
      loader: "ts",
      contents: `export * from ${JSON.stringify(join(root, entryPoints[path] ?? path))};`,
    }));
  },
};

if (import.meta.main) {
  try {
    await buildSdk(resolve(process.argv[2] ?? join(root, "dist/sdk")));
  } catch (reason) {
    console.error(reason instanceof Error ? reason.message : reason);
    process.exitCode = 1;
  }
}
