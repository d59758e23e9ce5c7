import { visit } from "../harness/pages";
import { expect, test } from "../harness/test";
import type { Page } from "@playwright/test";

const theme = (page: Page) => page.locator("html").getAttribute("data-theme");
const background = (page: Page) =>
  page.evaluate(() => getComputedStyle(document.body).backgroundColor);

test("the selected theme is kept and applied before the first paint", async ({ page }) => {
  await page.emulateMedia({ colorScheme: "light" });
  await page.addInitScript(() => {
    // Records the theme when the body element is created, before the first paint.
    new MutationObserver((_, observer) => {
      if (!document.body) return;
      observer.disconnect();
      (window as any).themeBeforePaint = document.documentElement.dataset.theme;
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
  expect(await page.evaluate(() => (window as any).themeBeforePaint)).toBe("dark");
  expect(await theme(page)).toBe("dark");
  expect(await background(page)).toBe(dark);
});

test("without a selection the page follows the system theme", async ({ page }) => {
  await page.emulateMedia({ colorScheme: "light" });
  await visit(page, "/containers");
  const light = await background(page);
  await page.emulateMedia({ colorScheme: "dark" });
  await expect.poll(() => background(page)).not.toBe(light);
});
