import { describe, expect, it } from "bun:test";
import type { DomainEntry, RegistryEvent } from "#interface/registry.ts";
import { ChangeLog } from "./change-log.ts";

describe("ChangeLog.next()", () => {
  it("says nothing of what was there at the start", () => {
    expect(new ChangeLog().next(snapshot([entry("a")]))).toEqual([]);
  });

  it("passes changes on", () => {
    const changes = new ChangeLog();
    changes.next(snapshot([]));
    expect(changes.next(change("create", entry("a")))).toMatchObject([{ action: "create", service: { name: "a" } }]);
  });

  it("says what is different in a later snapshot, and nothing of what is not", () => {
    const changes = new ChangeLog();
    const [same, gone] = [entry("same"), entry("gone")];
    changes.next(snapshot([same, gone, entry("changed")]));
    changes.next(change("create", entry("told")));
    changes.next(change("delete", entry("told")));
    const told = changes.next(snapshot([same, entry("changed"), entry("new")]));
    expect(told.map((each) => `${each.action} ${each.service.name}`)).toEqual([
      "delete gone",
      "update changed",
      "create new",
    ]);
    expect(told[0]?.service).toBe(gone.service);
  });

  it("keeps domains and versions apart", () => {
    const changes = new ChangeLog();
    const entries = [entry("a", "micro", "1"), entry("a", "micro", "2"), entry("a", "foo", "1")];
    changes.next(snapshot(entries));
    const told = changes.next(snapshot(entries.slice(0, 1)));
    expect(told.map((each) => `${each.domain} ${each.service.version}`)).toEqual(["micro 2", "foo 1"]);
  });
});

function entry(name: string, domain = "micro", version = "1"): DomainEntry {
  return { domain, service: { name, version, metadata: {}, endpoints: [], nodes: [] } };
}

function snapshot(services: readonly DomainEntry[]): RegistryEvent {
  return { action: "snapshot", services, timestampMs: 1 };
}

function change(action: "create" | "delete", given: DomainEntry): RegistryEvent {
  return { action, ...given, timestampMs: 1 };
}
