import { describe, expect, it } from "bun:test";
import { limits } from "#base/limits.ts";
import type { Config, ConfigState } from "#interface/config.ts";
import { expectError } from "./expect-error.ts";

/** A config to put to the test, empty at the start. Its changes are made by account `admin`. */
export interface ConfigSubject extends AsyncDisposable {
  /** Acts as an administrator of the installation. */
  readonly config: Config;
  /** Another way to the same documents, as another process or client has it. */
  readonly second: Config;
}

const account = "admin";
const by = { account };
const secretly = { account, isSecret: true };

/** What every config promises, whichever driver keeps it and whether it is reached in process or over RPC. */
export function describeConfig(subject: string, setup: () => Promise<ConfigSubject>): void {
  const at = (path: string, namespace = "micro"): { namespace: string; path: string } => ({ namespace, path });

  describe(`${subject}: Config.read()`, () => {
    it("says that nothing is there, with revision 0 for a namespace without a document", async () => {
      await using given = await setup();
      expect(await given.config.read(at("a.b"))).toEqual({ json: undefined, revision: 0 });
      await given.config.set(at("a"), "1", by);
      expect(await given.config.read(at("b"))).toEqual({ json: undefined, revision: 1 });
      expect(await given.config.read(at("a.deeper"))).toEqual({ json: undefined, revision: 1 });
      expect(await given.config.read(at("a", "other"))).toEqual({ json: undefined, revision: 0 });
    });

    it("gives compact JSON with sorted keys, and the whole document for an empty path", async () => {
      await using given = await setup();
      await given.config.set(at("z"), ' { "b" : [ 1 , { "y":2, "x":1 } ] , "a" : "<&>" } ', by);
      expect((await given.config.read(at(""))).json).toBe('{"z":{"a":"<&>","b":[1,{"x":1,"y":2}]}}');
    });

    it("refuses a path with an empty word", async () => {
      await using given = await setup();
      for (const path of [".", ".a", "a.", "a..b"]) {
        expect((await expectError(given.config.read(at(path)), "invalid_argument")).detail).toContain("empty word");
        await expectError(given.config.set(at(path), "1", by), "invalid_argument");
        await expectError(given.config.delete(at(path), by), "invalid_argument");
      }
    });
  });

  describe(`${subject}: Config.set()`, () => {
    it("answers with revisions 1, 2, 3", async () => {
      await using given = await setup();
      expect(await given.config.set(at("a"), "1", by)).toBe(1);
      expect(await given.second.set(at("b"), "1", by)).toBe(2);
      expect(await given.config.set(at("a"), "1", by)).toBe(3);
    });

    it("merges objects, replaces lists and scalars", async () => {
      await using given = await setup();
      const { config } = given;
      await config.set(at("mail"), '{"from":"a","to":["x","y"],"server":{"port":25}}', by);
      await config.set(at("mail"), '{"to":["z"],"server":{"host":"h"}}', by);
      await config.set(at("mail.server.port"), "587", by);
      expect((await config.read(at("mail"))).json).toBe('{"from":"a","server":{"host":"h","port":587},"to":["z"]}');
      await config.set(at("mail.server"), '"none"', by);
      await config.set(at("mail.to"), '{"first":"z"}', by);
      expect((await config.read(at("mail"))).json).toBe('{"from":"a","server":"none","to":{"first":"z"}}');
    });

    it("keeps an empty object", async () => {
      await using given = await setup();
      await given.config.set(at("a.b"), "{}", by);
      expect((await given.config.read(at(""))).json).toBe('{"a":{"b":{}}}');
      await given.config.set(at("a.b.c"), "1", by);
      await given.config.set(at("a.b"), "{}", by);
      expect((await given.config.read(at("a"))).json).toBe('{"b":{"c":1}}');
    });

    it("keeps every digit, the last of two equal keys, and keys that mean something elsewhere", async () => {
      await using given = await setup();
      const { config } = given;
      const numbers = "[12345678901234567890,1.50,-0,1e400,0.1000000000000000000000001]";
      await config.set(at("numbers"), numbers, by);
      await config.set(at("odd"), '{"a":1,"__proto__":{"polluted":true},"constructor":"c","a":2}', by);
      expect((await config.read(at("numbers"))).json).toBe(numbers);
      expect((await config.read(at("odd"))).json).toBe('{"__proto__":{"polluted":true},"a":2,"constructor":"c"}');
      expect((await config.read(at("odd.__proto__.polluted"))).json).toBe("true");
      expect((await config.read(at("odd.toString"))).json).toBeUndefined();
      expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
    });

    it("refuses a child of what is no object, and says what to do", async () => {
      await using given = await setup();
      await given.config.set(at("a"), '{"text":"x","list":[1]}', by);
      const error = await expectError(given.config.set(at("a.text.b"), "1", by), "failed_precondition");
      expect(error.detail).toBe('"a.text" is a string, so it holds no "b": delete "a.text" first');
      await expectError(given.config.set(at("a.list.0"), "1", by), "failed_precondition");
      expect((await given.config.read(at("a"))).json).toBe('{"list":[1],"text":"x"}');
    });

    it("refuses what is no JSON without showing it", async () => {
      await using given = await setup();
      for (const json of ["", "hunter2", '{"a":hunter2}', '"hunter2', "[1,]", '{"hunter2":1,}', "01", '"\t"', "1 2"]) {
        const { detail } = await expectError(given.config.set(at("a"), json, secretly), "invalid_argument");
        expect(detail).toStartWith("Request is invalid JSON: ");
        expect(detail).not.toContain("hunter2");
      }
    });

    it("refuses keys that no path names, and a document that is no object", async () => {
      await using given = await setup();
      await expectError(given.config.set(at("a"), '{"b.c":1}', by), "invalid_argument");
      await expectError(given.config.set(at("a"), '{"":1}', by), "invalid_argument");
      await expectError(given.config.set(at(""), "[1]", by), "invalid_argument");
      expect(await given.config.set(at("a"), '[{"b.c":1,"":2}]', by)).toBe(1);
    });

    it("refuses a document that is too deep or too large", async () => {
      await using given = await setup();
      const depth = limits.messageDepthMax;
      await expectError(
        given.config.set(at("a"), `${"[".repeat(depth + 1)}${"]".repeat(depth + 1)}`, by),
        "invalid_argument",
      );
      await expectError(
        given.config.set(at("a"), `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`, by),
        "invalid_argument",
      );
      const half = JSON.stringify("x".repeat(limits.configDocumentBytesMax / 2));
      await given.config.set(at("a"), half, by);
      await expectError(given.config.set(at("b"), half, by), "payload_too_large");
      expect((await given.config.read(at("b"))).revision).toBe(1);
    });

    it("changes only the document of the expected revision", async () => {
      await using given = await setup();
      await given.config.set(at("a"), "1", { account, expectedRevision: 0 });
      await expectError(given.config.set(at("a"), "2", { account, expectedRevision: 0 }), "conflict");
      await expectError(given.config.set(at("a"), "2", { account, expectedRevision: 7 }), "conflict");
      expect(await given.config.set(at("a"), "3", { account, expectedRevision: 1 })).toBe(2);
      await expectError(given.config.delete(at("a"), { account, expectedRevision: 1 }), "conflict");
      await expectError(given.config.rollback("micro", 1, { account, expectedRevision: 1 }), "conflict");
      expect((await given.config.read(at("a"))).json).toBe("3");
    });

    it("loses none of many changes at the same time", async () => {
      await using given = await setup();
      const count = 50;
      const sets = Array.from({ length: count }, (_, index) =>
        (index % 2 === 0 ? given.config : given.second).set(at(`group${index % 5}.key${index}`), String(index), by),
      );
      const revisions = await Promise.all(sets);
      expect(revisions.toSorted((left, right) => left - right)).toEqual(sets.map((_, index) => index + 1));
      const { json = "", revision } = await given.config.read(at(""));
      const groups = JSON.parse(json) as Record<string, Record<string, number>>;
      expect(revision).toBe(count);
      expect(
        Object.values(groups)
          .flatMap((group) => Object.values(group))
          .toSorted((a, b) => a - b),
      ).toEqual(sets.map((_, index) => index));
    });
  });

  describe(`${subject}: Config.delete()`, () => {
    it("removes a path with all below it, and keeps what is above", async () => {
      await using given = await setup();
      await given.config.set(at("a"), '{"b":{"c":1},"d":2}', by);
      expect(await given.config.delete(at("a.b"), by)).toBe(2);
      expect((await given.config.read(at(""))).json).toBe('{"a":{"d":2}}');
      await given.config.delete(at("a.d"), by);
      expect((await given.config.read(at(""))).json).toBe('{"a":{}}');
      expect(await given.config.delete(at(""), by)).toBe(4);
      expect(await given.config.read(at(""))).toEqual({ json: undefined, revision: 4 });
    });

    it("changes nothing where nothing is", async () => {
      await using given = await setup();
      expect(await given.config.delete(at("a"), by)).toBe(0);
      await given.config.set(at("a"), '"text"', by);
      expect(await given.config.delete(at("b"), by)).toBe(1);
      expect(await given.config.delete(at("a.b"), by)).toBe(1);
    });
  });

  describe(`${subject}: Config secrets`, () => {
    it("masks each leaf of a secret unless secrets are asked for", async () => {
      await using given = await setup();
      await given.config.set(at("db"), '{"user":"u","login":{"password":"hunter2","pins":[1,2]}}', secretly);
      await given.config.set(at("db.port"), "5432", by);
      const masked = '{"login":{"password":"[secret]","pins":"[secret]"},"port":5432,"user":"[secret]"}';
      expect((await given.config.read(at("db"))).json).toBe(masked);
      expect((await given.config.read(at("db.login.password"))).json).toBe('"[secret]"');
      expect((await given.config.read(at("db"), { showsSecrets: true })).json).toBe(
        '{"login":{"password":"hunter2","pins":[1,2]},"port":5432,"user":"u"}',
      );
    });

    it("keeps a secret one, whatever takes its place, until it is deleted", async () => {
      await using given = await setup();
      const { config } = given;
      const shown = async (path: string): Promise<unknown> => [
        (await config.read(at(path))).json,
        (await config.read(at(path), { showsSecrets: true })).json,
      ];
      await config.set(at("a.key"), '"one"', secretly);
      await config.set(at("a.key"), '"two"', by);
      expect(await shown("a.key")).toEqual(['"[secret]"', '"two"']);
      await config.set(at("a.key"), '{"x":"three"}', by);
      expect(await shown("a.key")).toEqual(['{"x":"[secret]"}', '{"x":"three"}']);
      await config.set(at("a"), '"four"', by);
      expect(await shown("a")).toEqual(['"[secret]"', '"four"']);
      await expectError(config.set(at("a.key"), '"x"', by), "failed_precondition");
      await config.delete(at("a"), by);
      await config.set(at("a"), '"five"', by);
      expect(await shown("a")).toEqual(['"five"', '"five"']);
    });

    it("leaves a secret as it is when its mask is written back", async () => {
      await using given = await setup();
      await given.config.set(at("a.key"), '"one"', secretly);
      await given.config.set(at("a"), '{"key":"[secret]","other":1}', by);
      expect((await given.config.read(at("a"), { showsSecrets: true })).json).toBe('{"key":"one","other":1}');
    });

    it("gives other seals to the same secrets when the key is rotated, and leaves the revision", async () => {
      await using given = await setup();
      await given.config.set(at("a"), '{"x":"one","y":"two"}', secretly);
      await given.config.set(at("a", "other"), '"three"', secretly);
      await given.config.set(at("a.x"), '"four"', secretly);
      expect(await given.config.rotateKey()).toBe(4);
      expect(await given.config.read(at("a"), { showsSecrets: true })).toEqual({
        json: '{"x":"four","y":"two"}',
        revision: 2,
      });
      expect((await given.config.read(at("a", "other"), { showsSecrets: true })).json).toBe('"three"');
      await given.config.rollback("micro", 1, by);
      expect((await given.config.read(at("a.x"), { showsSecrets: true })).json).toBe('"one"');
    });
  });

  describe(`${subject}: Config.history()`, () => {
    it("tells who changed what, newest first, secrets masked", async () => {
      await using given = await setup();
      const { config } = given;
      await config.set(at("a"), '{"b":1}', by);
      await config.set(at("a.key"), '"hunter2"', secretly);
      await config.set(at("a"), '{"key":"hunter3","b":2}', by);
      await config.delete(at("a.b"), by);
      const history = await config.history(at(""));
      expect(history.map(({ timestampMs, ...rest }) => [timestampMs > 0, rest])).toEqual([
        [true, { revision: 4, path: "a.b", json: undefined, account }],
        [true, { revision: 3, path: "a", json: '{"b":2,"key":"[secret]"}', account }],
        [true, { revision: 2, path: "a.key", json: '"[secret]"', account }],
        [true, { revision: 1, path: "a", json: '{"b":1}', account }],
      ]);
      expect((await config.history(at(""), 2)).map((each) => each.revision)).toEqual([4, 3]);
      expect(await config.history(at("", "other"))).toEqual([]);
    });

    it("tells of a path what touched it, above and below", async () => {
      await using given = await setup();
      const { config } = given;
      await config.set(at("a"), '{"b":1}', by);
      await config.set(at("a.c"), "1", by);
      await config.set(at("x"), "1", by);
      await config.set(at("a.b"), '{"d":1}', by);
      const revisions = async (path: string): Promise<number[]> =>
        (await config.history(at(path))).map((each) => each.revision);
      expect(await revisions("a.b")).toEqual([4, 1]);
      expect(await revisions("a")).toEqual([4, 2, 1]);
      expect(await revisions("x")).toEqual([3]);
      await config.delete(at("a"), by);
      expect(await revisions("a.b")).toEqual([5, 4, 1]);
    });
  });

  describe(`${subject}: Config.rollback()`, () => {
    it("makes the document what it was, secrets included, as a new revision", async () => {
      await using given = await setup();
      const { config } = given;
      await config.set(at("a.b.c"), "1", by);
      await config.set(at("a.key"), '"hunter2"', secretly);
      await config.set(at(""), '{"a":{"b":{"c":2,"d":[]}},"z":{}}', by);
      await config.delete(at("a.key"), by);
      await config.set(at("a"), '"gone"', by);
      expect(await config.rollback("micro", 3, by)).toBe(6);
      expect((await config.read(at(""), { showsSecrets: true })).json).toBe(
        '{"a":{"b":{"c":2,"d":[]},"key":"hunter2"},"z":{}}',
      );
      expect(await config.rollback("micro", 1, by)).toBe(7);
      expect((await config.read(at(""))).json).toBe('{"a":{"b":{"c":1}}}');
      await config.rollback("micro", 5, by);
      expect((await config.read(at(""))).json).toBe('{"a":"gone","z":{}}');
      const [newest] = await config.history(at(""), 1);
      expect(newest).toMatchObject({ revision: 8, path: "", json: undefined, account, rolledBackTo: 5 });
    });

    it("refuses a revision that is not kept", async () => {
      await using given = await setup();
      const { config } = given;
      expect((await expectError(config.rollback("micro", 1, by), "not_found")).detail).toContain("there is no history");
      const count = limits.configHistoryCountMax + 2;
      for (let value = 1; value <= count; value += 1) await config.set(at("a"), String(value), by);
      const { detail } = await expectError(config.rollback("micro", 2, by), "not_found");
      expect(detail).toBe(`revision 2 of namespace micro is not kept: kept are 3 to ${count}`);
      expect((await config.history(at(""))).map((each) => each.revision).at(-1)).toBe(3);
      await expectError(config.rollback("micro", count + 1, by), "not_found");
      await config.rollback("micro", 3, by);
      expect((await config.read(at("a"))).json).toBe("3");
    });
  });

  describe(`${subject}: Config.watch()`, () => {
    it("tells what is there, then every change of it, from above and from below", async () => {
      await using given = await setup();
      const { config } = given;
      const watch = config.watch(at("a.b"))[Symbol.asyncIterator]();
      expect(await take(watch)).toEqual({ json: undefined, revision: 0 });
      await config.set(at("a.b.c"), "1", by);
      expect(await take(watch)).toEqual({ json: '{"c":1}', revision: 1 });
      await config.set(at("a"), '{"x":1}', by);
      await config.set(at("x"), "1", by);
      await config.set(at("a"), '{"b":2}', by);
      expect(await take(watch)).toEqual({ json: "2", revision: 4 });
      await config.set(at("a.b"), "2", by);
      await config.delete(at("a"), by);
      expect(await take(watch)).toEqual({ json: undefined, revision: 6 });
      await config.rollback("micro", 1, by);
      expect(await take(watch)).toEqual({ json: '{"c":1}', revision: 7 });
      await watch.return?.();
    });

    it("tells that a secret changed, and shows it when asked to", async () => {
      await using given = await setup();
      const { config } = given;
      await config.set(at("key"), '"one"', secretly);
      const masked = config.watch(at("key"))[Symbol.asyncIterator]();
      const shown = config.watch(at("key"), { showsSecrets: true })[Symbol.asyncIterator]();
      expect([(await take(masked)).json, (await take(shown)).json]).toEqual(['"[secret]"', '"one"']);
      await config.set(at("key"), '"two"', by);
      expect(await take(masked)).toEqual({ json: '"[secret]"', revision: 2 });
      expect(await take(shown)).toEqual({ json: '"two"', revision: 2 });
      await masked.return?.();
      await shown.return?.();
    });

    it("gives a slow reader the last state", async () => {
      await using given = await setup();
      const { config } = given;
      const watch = config.watch(at("a"))[Symbol.asyncIterator]();
      await take(watch);
      for (let value = 1; value <= 50; value += 1) await config.set(at("a"), String(value), by);
      const told: string[] = [];
      while (told.at(-1) !== "50") told.push((await take(watch)).json ?? "");
      expect(told.map(Number)).toEqual(told.map(Number).toSorted((left, right) => left - right));
      await watch.return?.();
    });

    it("learns of changes that come another way", async () => {
      await using given = await setup();
      const watch = given.config.watch(at("a"))[Symbol.asyncIterator]();
      await take(watch);
      await given.second.set(at("a"), "1", by);
      expect(await take(watch)).toEqual({ json: "1", revision: 1 });
      await watch.return?.();
    });

    it("ends with its signal", async () => {
      await using given = await setup();
      const end = new AbortController();
      const watch = given.config.watch(at("a"), { signal: end.signal })[Symbol.asyncIterator]();
      await take(watch);
      const next = watch.next();
      end.abort();
      expect((await next).done).toBe(true);
      const late = given.config.watch(at("a"), { signal: end.signal })[Symbol.asyncIterator]();
      expect((await late.next()).done).toBe(true);
    });
  });
}

async function take(watch: AsyncIterator<ConfigState>): Promise<ConfigState> {
  const { done, value } = await watch.next();
  if (done === true) throw new Error("the watch ended");
  return value;
}
