import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { runCommand } from "#testing/run-command.ts";
import { createTempFolder } from "#testing/temp-folder.ts";
import { formatUnit, type ServerUnit } from "./unit-file.ts";

const hasSystemd = Bun.which("systemd-analyze") !== null;

const unit: ServerUnit = {
  command: ["/bin/true", "server", "--keep-services", "--access-log=all"],
  environment: { MICRO_HOME: "/home/jane doe/.micro", PATH: "/usr/bin:/bin" },
  user: "root",
  takesLowPorts: true,
};

/** The words of a line of a unit, as systemd.syntax(7) reads them. */
function readWords(text: string): string[] {
  return [...text.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(([, quoted, plain]) =>
    (quoted ?? plain ?? "")
      .replace(/\\(.)/g, (_all, character: string) => (character === "n" ? "\n" : character))
      .replaceAll("%%", "%")
      .replaceAll("$$", "$"),
  );
}

function lineOf(text: string, key: string): string {
  return (
    text
      .split("\n")
      .find((line) => line.startsWith(`${key}=`))
      ?.slice(key.length + 1) ?? ""
  );
}

describe("formatUnit()", () => {
  it("lets services outlive the server, and starts it with every start of the machine", () => {
    const lines = formatUnit(unit).split("\n");
    for (const line of [
      "KillMode=process",
      "Restart=always",
      "User=root",
      "WantedBy=multi-user.target",
      "OOMPolicy=continue",
    ]) {
      expect(lines).toContain(line);
    }
    expect(lines).toContain("ExecStart=/bin/true server --keep-services --access-log=all");
    expect(lines).toContain('Environment="MICRO_HOME=/home/jane doe/.micro"');
  });

  it("is of one user, who needs no further right, where it is a user's", () => {
    const { user: _user, ...own } = unit;
    const text = formatUnit({ ...own, takesLowPorts: false });
    expect(text).not.toMatch(/User=|network-online|AmbientCapabilities/);
    expect(lineOf(text, "WantedBy")).toBe("default.target");
  });

  it("keeps every word of the command as it is", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ minLength: 1, unit: "grapheme-ascii" })), (words) => {
        const command = ["/bin/true", ...words.map((word) => word.replaceAll("$", "€"))];
        expect(readWords(lineOf(formatUnit({ ...unit, command }), "ExecStart"))).toEqual(command);
      }),
    );
    expect(lineOf(formatUnit({ ...unit, command: ["/bin/true", "$HOME"] }), "ExecStart")).toBe('/bin/true "$$HOME"');
  });

  it.skipIf(!hasSystemd)("is a unit that systemd finds no fault with", async () => {
    await using folder = await createTempFolder();
    const path = `${folder.path}/micro.service`;
    const command = ["/bin/true", "server", "a b", '"', "100%", "$HOME", "back\\slash"];
    for (const each of [unit, { ...unit, command }]) {
      await Bun.write(path, formatUnit(each));
      expect(await runCommand(["systemd-analyze", "verify", path])).toEqual({ code: 0, stdout: "", stderr: "" });
    }
  });
});
