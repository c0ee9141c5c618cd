import { afterAll, beforeAll, describe } from "bun:test";
import { defineInputSuite } from "./store-input-suite.ts";
import { defineListSuite } from "./store-list-suite.ts";
import { defineReadSuite } from "./store-read-suite.ts";
import { StoreScene, type StoreUnderTest } from "./store-scene.ts";
import { defineWriteSuite } from "./store-write-suite.ts";

export type { StoreUnderTest } from "./store-scene.ts";

/** What every store driver must do. `open` gives an empty store that follows the wall clock. */
export function defineStoreSuite(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(name, () => {
    const scene = new StoreScene(open);
    beforeAll(() => scene.open());
    afterAll(() => scene.close());
    defineReadSuite(scene);
    defineWriteSuite(scene);
    defineListSuite(scene);
    defineInputSuite(scene);
  });
}
