import { TEMPLATE, containerPath, status, visit } from "../harness/pages";
import { expect, test } from "../harness/test";
import type { Locator, Page } from "@playwright/test";

/** Presses Tab until the element has focus. */
async function tabTo(page: Page, target: Locator): Promise<void> {
  await expect(target).toBeVisible();
  for (let presses = 0; presses < 60; presses++) {
    if (await target.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press("Tab");
    const outlined = await page.evaluate(() => {
      const active = document.activeElement;
      return !active || active === document.body || getComputedStyle(active).outlineStyle !== "none";
    });
    expect(outlined, "the focus is visible").toBe(true);
  }
  throw new Error(`60 presses of Tab do not reach ${target}`);
}

test("a container is created and deleted with the keyboard only", async ({ page }) => {
  await visit(page, "/containers");
  await page.keyboard.press("c");
  await expect(page).toHaveURL("/containers/new");
  await tabTo(page, page.getByLabel("Name", { exact: true }));
  await page.keyboard.press("Control+a");
  await page.keyboard.type("by-keys");
  await tabTo(page, page.getByLabel("Template or image"));
  await page.keyboard.press("Control+a");
  await page.keyboard.type(TEMPLATE);
  await page.keyboard.press("Escape");
  await tabTo(page, page.getByRole("button", { name: "Create container" }));
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(containerPath("by-keys"));
  await expect(status(page)).toHaveText("running", { timeout: 60_000 });

  await tabTo(page, page.getByRole("link", { name: "Settings" }));
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(containerPath("by-keys", "settings"));
  await tabTo(page, page.getByRole("button", { name: "Delete by-keys" }));
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog", { name: "Delete by-keys?" });
  await expect(dialog.getByRole("button", { name: "Keep by-keys" })).toBeFocused();
  await page.keyboard.press("Shift+Tab");
  await expect(dialog.getByRole("textbox")).toBeFocused();
  await page.keyboard.type("by-keys");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/jobs\/\d+$/);
  await expect(status(page)).toHaveText("done");
});

test("the first Tab key press shows the skip link", async ({ page }) => {
  await visit(page, "/jobs");
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to content" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.locator("main")).toBeFocused();
});
