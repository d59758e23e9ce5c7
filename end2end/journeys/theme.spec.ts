import { visit } from "../harness/pages";
import { expect, test } from "../harness/test";
import type { Page } from "@playwright/test";

const theme = (page: Page) => page.locator("html").getAttribute("data-theme");
const background = (page: Page) =>
  page.evaluate(() => getComputedStyle(document.body).backgroundColor);

test("the chosen theme is kept, and there before anything is painted", async ({ page }) => {
  await page.emulateMedia({ colorScheme: "light" });
  await page.addInitScript(() => {
    // The theme at the moment at which the body begins, before which nothing is painted.
    new MutationObserver((_, observer) => {
      if (!document.body) return;
      observer.disconnect();
      (window as any).themeAtFirst = document.documentElement.dataset.theme;
    }).observe(document, { childList: true, subtree: true });
  });
  await visit(page, "/containers");
  expect(await theme(page)).toBe("system");
  const light = await background(page);

  const button = page.getByRole("button", { name: /^Theme:/ });
  await button.click();
  expect(await theme(page)).toBe("light");
  await button.click();
  expect(await theme(page)).toBe("dark");
  const dark = await background(page);
  expect(dark).not.toBe(light);

  await visit(page, "/jobs");
  expect(await page.evaluate(() => (window as any).themeAtFirst)).toBe("dark");
  expect(await theme(page)).toBe("dark");
  expect(await background(page)).toBe(dark);
});

test("without a choice the system's theme holds, and a change of it too", async ({ page }) => {
  await page.emulateMedia({ colorScheme: "light" });
  await visit(page, "/containers");
  const light = await background(page);
  await page.emulateMedia({ colorScheme: "dark" });
  await expect.poll(() => background(page)).not.toBe(light);
});
