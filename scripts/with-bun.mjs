// `node scripts/with-bun.mjs SCRIPT [ARG …]`: installs what is missing, then runs the script on Bun with the same exit code.
import { spawnSync } from "node:child_process";
import { bunPath, ensureInstalled, root } from "./install.mjs";

ensureInstalled();
const result = spawnSync(bunPath, process.argv.slice(2), { cwd: root, stdio: "inherit" });
process.exit(result.status ?? 1);
