import { markDocument, sameDocument, visit } from "../harness/pages";
import { expect, test } from "../harness/test";

test("the command palette finds pages, actions and containers", async ({ page }) => {
  await visit(page, "/jobs");
  await markDocument(page);
  const palette = page.getByRole("dialog", { name: "Go to" });
  const input = palette.getByRole("combobox");

  await page.keyboard.press("Control+k");
  await expect(input).toBeFocused();
  await page.keyboard.type("nod");
  await expect(palette.getByRole("option")).toHaveCount(1);
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL("/nodes");
  await expect(palette).toBeHidden();

  await page.keyboard.press("Control+k");
  await expect(input).toHaveValue("");
  await page.keyboard.type("new ");
  await expect(palette.getByRole("option", { selected: true })).toContainText("New container");
  await page.keyboard.press("ArrowDown");
  await expect(palette.getByRole("option", { selected: true })).toContainText("New site");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL("/containers/new");

  await page.keyboard.press("Control+k");
  await page.keyboard.type("wiki");
  await expect(palette.getByRole("option", { name: /wiki/ })).toBeVisible();
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL("/sites/lab/containers/wiki");
  await sameDocument(page);
});

test("Escape closes the command palette and restores the focus", async ({ page }) => {
  await visit(page, "/jobs");
  const button = page.getByRole("button", { name: "Go to" });
  await button.click();
  const palette = page.getByRole("dialog", { name: "Go to" });
  await page.keyboard.type("nothing is called this");
  await expect(palette.getByText("No results found.")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(palette).toBeHidden();
  await expect(button).toBeFocused();
});
