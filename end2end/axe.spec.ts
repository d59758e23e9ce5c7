// Every scene, on a phone and at a desk, light and dark: axe finds nothing.

import { AxeBuilder } from "@axe-core/playwright";
import { SCENES, THEMES, contextOf, dress, prepare, tidy } from "./harness/scenes.mjs";
import { expect, test } from "./harness/test";

// Nothing here depends on another test: all workers share the scenes.
test.describe.configure({ mode: "parallel" });

let sessions: Awaited<ReturnType<typeof prepare>>;

test.beforeAll(async ({ server, browser }) => {
  sessions = await prepare(server, browser);
});

test.afterAll(async ({ server, browser }) => {
  await tidy(server, browser, sessions);
});

for (const scene of SCENES) {
  test(`axe finds nothing on ${scene.name}`, async ({ server, browser }) => {
    const context = await contextOf(browser, server, sessions[scene.who as keyof typeof sessions]);
    const page = await context.newPage();
    await scene.set(page);
    for (const width of [360, 1440]) {
      for (const theme of THEMES) {
        await dress(page, width, theme);
        const { violations } = await new AxeBuilder({ page }).analyze();
        const found = violations.flatMap(({ id, help, nodes }) =>
          nodes.map((node) => `${id} (${help}): ${node.target.join(" ")}: ${node.failureSummary}`),
        );
        expect.soft(found, `${width} px, ${theme}`).toEqual([]);
      }
    }
    await context.close();
  });
}
