// Checks every scene in every width and both themes: no horizontal overflow and no axe violations.

import type { Page } from "@playwright/test";
import { violations } from "./harness/axe.mjs";
import { SCENES, WIDTHS, setView, show, isJobRunning } from "./harness/scenes.mjs";
import { openContext, prepare, cleanUp } from "./harness/scene-objects.mjs";
import { expect, test } from "./harness/test";
import { Watch } from "./harness/watch";

// The tests are independent of each other, so all workers share the scenes.
test.describe.configure({ mode: "parallel" });

/** Widths and themes with the axe rules to check, or all rules. Only the contrast rule depends on the
 *  theme, and these widths produce two layouts, so each layout is analyzed once with all rules. */
const VIEWS = [
  { width: 360, theme: "light", rules: undefined },
  { width: 360, theme: "dark", rules: ["color-contrast"] },
  { width: 768, theme: "dark", rules: [] },
  { width: 1440, theme: "dark", rules: undefined },
  { width: 1440, theme: "light", rules: ["color-contrast"] },
] as const;

let sessions: Awaited<ReturnType<typeof prepare>>;
/** One page per user, reused so that the WebAssembly module is compiled once. */
const pages = new Map<string, Page>();
const watch = new Watch();

test.beforeAll(async ({ server, browser }) => {
  expect(new Set(VIEWS.map(({ width }) => width))).toEqual(new Set(WIDTHS));
  sessions = await prepare(server, browser);
  for (const [user, session] of Object.entries(sessions)) {
    const context = await openContext(browser, server, session);
    await watch.attach(context);
    pages.set(user, await context.newPage());
  }
});

test.afterAll(async ({ server, browser }) => {
  for (const page of pages.values()) await page.context().close();
  await cleanUp(server, browser, sessions);
});

for (const scene of SCENES) {
  test(`${scene.name} fits each width without axe violations`, async () => {
    const page = pages.get(scene.user)!;
    watch.reset();
    if (scene.refused) watch.expect(422, scene.refused);
    await show(page, scene);
    if (scene.status >= 400) watch.expect(scene.status, new URL(page.url()).pathname);
    for (const { width, theme, rules } of VIEWS) {
      // If the job of the scene has ended, the scene is set up again.
      if (scene.running && !(await isJobRunning(page))) await show(page, scene);
      await setView(page, width, theme);
      const view = `${width} px, ${theme}`;
      await expect.soft(page.locator("h1"), view).toBeVisible();
      const contentWidth = await page.evaluate(() => document.scrollingElement!.scrollWidth);
      expect.soft(contentWidth, view).toBeLessThanOrEqual(width);
      if (rules?.length !== 0) expect.soft(await violations(page, rules), view).toEqual([]);
    }
    expect(watch.errors(), "errors in the browser").toEqual([]);
  });
}
