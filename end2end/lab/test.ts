// Fixtures of all lab tests: a watch that fails the test on unexpected browser errors.

import { test as base, expect } from "@playwright/test";
import { Watch } from "../harness/watch";

export { expect };

export const test = base.extend<{ watch: Watch }>({
  watch: async ({}, use) => {
    const watch = new Watch();
    await use(watch);
    expect(watch.errors(), "errors in the browser").toEqual([]);
  },
  context: async ({ context, watch }, use) => {
    await watch.attach(context);
    await use(context);
  },
});
