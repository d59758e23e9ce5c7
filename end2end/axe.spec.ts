// Every scene, in every width and both themes: nothing is wider than the screen, and axe finds nothing.

import type { Page } from "@playwright/test";
import { violations } from "./harness/axe.mjs";
import { SCENES, WIDTHS, dress, show, stillRuns } from "./harness/scenes.mjs";
import { contextOf, prepare, tidy } from "./harness/stage.mjs";
import { expect, test } from "./harness/test";
import { Watch } from "./harness/watch";

// Nothing here depends on another test: all workers share the scenes.
test.describe.configure({ mode: "parallel" });

/** What axe looks for: all, or these rules. Other rules than contrast depend on neither theme nor, between
 *  these widths, on more than the two layouts: each layout is analyzed once in full. */
const VIEWS = [
  { width: 360, theme: "light", rules: undefined },
  { width: 360, theme: "dark", rules: ["color-contrast"] },
  { width: 768, theme: "dark", rules: [] },
  { width: 1440, theme: "dark", rules: undefined },
  { width: 1440, theme: "light", rules: ["color-contrast"] },
] as const;

let sessions: Awaited<ReturnType<typeof prepare>>;
/** A page for each who looks, kept so that the program is compiled once. */
const pages = new Map<string, Page>();
const watch = new Watch();

test.beforeAll(async ({ server, browser }) => {
  expect(new Set(VIEWS.map(({ width }) => width))).toEqual(new Set(WIDTHS));
  sessions = await prepare(server, browser);
  for (const [who, session] of Object.entries(sessions)) {
    const context = await contextOf(browser, server, session);
    await watch.over(context);
    pages.set(who, await context.newPage());
  }
});

test.afterAll(async ({ server, browser }) => {
  for (const page of pages.values()) await page.context().close();
  await tidy(server, browser, sessions);
});

for (const scene of SCENES) {
  test(`${scene.name} fits into each width, and axe finds nothing`, async () => {
    const page = pages.get(scene.who)!;
    watch.begin();
    if (scene.refused) watch.expect(422, scene.refused);
    await show(page, scene);
    if (scene.status >= 400) watch.expect(scene.status, new URL(page.url()).pathname);
    for (const { width, theme, rules } of VIEWS) {
      // Work that is over by now is begun again.
      if (scene.running && !(await stillRuns(page))) await show(page, scene);
      await dress(page, width, theme);
      const view = `${width} px, ${theme}`;
      await expect.soft(page.locator("h1"), view).toBeVisible();
      const needed = await page.evaluate(() => document.scrollingElement!.scrollWidth);
      expect.soft(needed, view).toBeLessThanOrEqual(width);
      if (rules?.length !== 0) expect.soft(await violations(page, rules), view).toEqual([]);
    }
    expect(watch.faults(), "what went wrong in the browser").toEqual([]);
  });
}
