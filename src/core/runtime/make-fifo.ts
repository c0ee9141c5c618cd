import { dlopen } from "bun:ffi";
import { MicroError } from "#base/error.ts";

/** Where the C library is, on the systems that we know. */
const libraries = process.platform === "darwin" ? ["libSystem.B.dylib"] : ["libc.so.6", "libc.so"];
const ownerOnly = 0o600;

/**
 * Makes a named pipe that only its owner can open. The system call costs microseconds where a program costs milliseconds;
 * where the C library is not found, the program does it.
 *
 * @throws MicroError `failed_precondition` when it cannot be made.
 */
export function makeFifo(path: string): void {
  if (callMkfifo(path) || Bun.spawnSync(["mkfifo", "-m", "600", path]).success) return;
  throw new MicroError("failed_precondition", `the named pipe ${path} cannot be made`);
}

function callMkfifo(path: string): boolean {
  for (const library of libraries) {
    try {
      const opened = dlopen(library, { mkfifo: { args: ["cstring", "u32"], returns: "i32" } });
      const result = opened.symbols.mkfifo(Buffer.from(`${path}\0`), ownerOnly);
      opened.close();
      return result === 0;
    } catch {
      // Another name of the library, or the program.
    }
  }
  return false;
}
