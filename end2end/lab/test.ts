// What every test in the lab starts from: a watch over the browser that fails the test on any error
// which the test has not named.

import { test as base, expect } from "@playwright/test";
import { Watch } from "../harness/watch";

export { expect };

export const test = base.extend<{ watch: Watch }>({
  watch: async ({}, use) => {
    const watch = new Watch();
    await use(watch);
    expect(watch.faults(), "what went wrong in the browser").toEqual([]);
  },
  context: async ({ context, watch }, use) => {
    await watch.over(context);
    await use(context);
  },
});
