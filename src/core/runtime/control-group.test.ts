import { describe, expect, it } from "bun:test";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { MiB } from "#base/limits.ts";
import { createTempFolder } from "#testing/temp-folder.ts";
import { ControlGroups } from "./control-group.ts";

/** Files as the kernel shows them for a group that was given to the server; they only take down what is written. */
async function fakeGroup(
  folder: string,
  controllers = "cpuset cpu io memory pids",
): Promise<{ mount: string; own: string }> {
  const mount = `${folder}/cgroup`;
  await mkdir(`${mount}/given`, { recursive: true });
  await Bun.write(`${mount}/given/cgroup.controllers`, `${controllers}\n`);
  await Bun.write(`${mount}/given/cgroup.type`, "domain\n");
  await Bun.write(`${mount}/given/cgroup.subtree_control`, "\n");
  await Bun.write(`${mount}/given/cgroup.procs`, "12\n34\n");
  await Bun.write(`${folder}/own`, "0::/given\n");
  return { mount, own: `${folder}/own` };
}

describe("ControlGroups", () => {
  it("moves the server into a leaf, deals out memory and CPU, and makes a group for a process", async () => {
    await using temp = await createTempFolder();
    const paths = await fakeGroup(temp.path);
    const groups = ControlGroups.open(paths);
    const given = `${paths.mount}/given`;
    expect(await Bun.file(`${given}/server/cgroup.procs`).text()).toBe("34");
    expect(await Bun.file(`${given}/cgroup.subtree_control`).text()).toBe("+memory +cpu");
    const group = groups?.create("i1", 56, { memoryBytes: 64 * MiB, cpuCores: 0.5 });
    const read = (name: string): Promise<string> => Bun.file(`${given}/micro-i1/${name}`).text();
    expect(await read("memory.max")).toBe(String(64 * MiB));
    expect(await read("memory.oom.group")).toBe("1");
    expect(await read("cpu.max")).toBe("50000 100000");
    expect(await read("cgroup.procs")).toBe("56");
    expect(group?.ranOutOfMemory).toBeFalse();
    await Bun.write(`${given}/micro-i1/memory.events`, "low 0\nhigh 0\nmax 3\noom 1\noom_kill 2\n");
    expect(group?.ranOutOfMemory).toBeTrue();
  });

  it("uses the group above where the server was put into a leaf", async () => {
    await using temp = await createTempFolder();
    const paths = await fakeGroup(temp.path);
    await mkdir(`${paths.mount}/given/server`);
    await Bun.write(`${paths.mount}/given/server/cgroup.controllers`, "cpu memory\n");
    await Bun.write(`${paths.mount}/given/cgroup.subtree_control`, "cpu memory\n");
    await Bun.write(paths.own, "0::/given/server\n");
    ControlGroups.open(paths)?.create("i1", 56, { cpuCores: 2 });
    expect(existsSync(`${paths.mount}/given/micro-i1/cpu.max`)).toBeTrue();
    expect(await Bun.file(`${paths.mount}/given/cgroup.procs`).text()).toBe("12\n34\n");
  });

  it("is not there where the system has none, or not these", async () => {
    await using temp = await createTempFolder();
    expect(ControlGroups.open({ mount: temp.path, own: `${temp.path}/none` })).toBeUndefined();
    expect(ControlGroups.open(await fakeGroup(temp.path, "cpuset io"))).toBeUndefined();
  });
});
