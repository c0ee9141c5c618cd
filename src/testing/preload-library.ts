/** False where {@link buildPreloadLibrary} cannot work: it needs a C compiler and Linux. */
export function canPreload(): boolean {
  return process.platform === "linux" && Bun.which("gcc") !== null;
}

/** Builds what is put before the system's library in a process, with `LD_PRELOAD`. @throws Error what the compiler says. */
export async function buildPreloadLibrary(source: string, library: string): Promise<void> {
  const build = Bun.spawn(["gcc", "-O1", "-shared", "-fPIC", "-o", library, source, "-ldl", "-lpthread"], {
    stdout: "ignore",
    stderr: "pipe",
  });
  const [said, code] = await Promise.all([build.stderr.text(), build.exited]);
  if (code !== 0) throw new Error(`${source} could not be built: ${said}`);
}
