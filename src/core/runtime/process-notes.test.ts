import { describe, expect, it } from "bun:test";
import { readdir } from "node:fs/promises";
import { silentLogger } from "#base/logger.ts";
import { createTempFolder } from "#testing/temp-folder.ts";
import { endSurvivors } from "./end-survivors.ts";
import { readProcessMark } from "./process-mark.ts";
import { OutputPipes } from "./output-pipes.ts";
import { StrayProcesses } from "./stray-processes.ts";
import { ProcessNotes, type ProcessNote } from "./process-notes.ts";

function noteOf(instance: string, pid: number): Omit<ProcessNote, "mark"> {
  const service = "micro/greeter:latest";
  return { instance, pid, service, revision: "r1", network: "127.0.0.1:1", startedAtMs: 1, restartCount: 0 };
}

function startSleeper(): Bun.Subprocess {
  return Bun.spawn(["sleep", "600"], { detached: true, stdio: ["ignore", "ignore", "ignore"] });
}

describe("readProcessMark()", () => {
  it("is the same for one process and undefined for none", async () => {
    const child = startSleeper();
    const mark = readProcessMark(child.pid);
    expect(mark).toBeString();
    expect(readProcessMark(child.pid)).toBe(mark);
    expect(readProcessMark(process.pid)).not.toBe(mark);
    child.kill("SIGKILL");
    await child.exited;
    expect(readProcessMark(child.pid)).toBeUndefined();
  });
});

describe("ProcessNotes.write()", () => {
  it("goes on when the disk refuses the note", async () => {
    await using temp = await createTempFolder();
    await Bun.write(`${temp.path}/run`, "a file where the folder should be");
    const notes = new ProcessNotes({ folder: `${temp.path}/run`, logger: silentLogger });
    notes.write(noteOf("ours", process.pid));
    expect(await notes.list()).toEqual([]);
  });
});

describe("endSurvivors()", () => {
  it("ends the processes that were noted, and only those", async () => {
    await using temp = await createTempFolder();
    const notes = new ProcessNotes({ folder: `${temp.path}/run`, logger: silentLogger });
    const [ours, reused] = [startSleeper(), startSleeper()];
    notes.write(noteOf("ours", ours.pid));
    const note = { instance: "reused", pid: reused.pid, mark: "another boot/1", service: "" };
    await Bun.write(`${temp.path}/run/reused.process.json`, JSON.stringify(note));
    await Bun.write(`${temp.path}/run/torn.process.json`, '{"pid":');
    await Bun.write(`${temp.path}/run/evil.process.json`, JSON.stringify({ ...note, pid: 1, instance: "evil" }));
    const gone: string[] = [];
    const found = await notes.list();
    const onGone = (instance: string): void => void gone.push(instance);
    const pipes = new OutputPipes(`${temp.path}/run`);
    await endSurvivors(found, {
      notes,
      pipes,
      strays: new StrayProcesses(temp.path),
      logger: silentLogger,
      runtimeFolder: temp.path,
      onGone,
    });
    await ours.exited;
    expect(gone).toEqual(["ours"]);
    expect(reused.exitCode).toBeNull();
    expect(readProcessMark(reused.pid)).toBeString();
    expect(await readdir(`${temp.path}/run`)).toEqual([]);
    reused.kill("SIGKILL");
    await reused.exited;
  });

  it("ends what is left of a group whose first process is dead", async () => {
    await using temp = await createTempFolder();
    const notes = new ProcessNotes({ folder: `${temp.path}/run`, logger: silentLogger });
    const leader = Bun.spawn(["sh", "-c", "sleep 600 & echo $!; read line; exit 0"], {
      detached: true,
      env: { PATH: process.env["PATH"] ?? "", HOME: `${temp.path}/work/micro/greeter` },
      stdio: ["pipe", "pipe", "ignore"],
    });
    notes.write(noteOf("ours", leader.pid));
    const reader = leader.stdout.getReader();
    const rest = Number(new TextDecoder().decode((await reader.read()).value));
    await reader.cancel();
    await leader.stdin.end();
    await leader.exited;
    expect(readProcessMark(rest)).toBeString();
    const found = await notes.list();
    const deps = {
      notes,
      pipes: new OutputPipes(`${temp.path}/run`),
      strays: new StrayProcesses(temp.path),
      logger: silentLogger,
    };
    await endSurvivors(found, { ...deps, runtimeFolder: temp.path, onGone: () => undefined });
    expect(readProcessMark(rest)).toBeUndefined();
  });
});
