import { markDocument, expectSameDocument, visit } from "../harness/pages";
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
  await expectSameDocument(page);
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

test("the command palette stays open when it is reopened before the browser reports that it closed", async ({ page }) => {
  await visit(page, "/jobs");
  const palette = page.getByRole("dialog", { name: "Go to" });
  await page.keyboard.press("Control+k");
  await expect(palette.getByRole("combobox")).toBeFocused();
  // Both shortcuts run in one task of the event loop, before the dialog's close event.
  await page.evaluate(async () => {
    const toggle = () => window.dispatchEvent(new KeyboardEvent("keydown", { key: "k", ctrlKey: true, cancelable: true }));
    const dialog = document.querySelector<HTMLDialogElement>("dialog.palette");
    const waitForState = async (open: boolean) => {
      for (let microtask = 0; microtask < 1000 && dialog?.open !== open; microtask += 1) await Promise.resolve();
      if (dialog?.open !== open) throw new Error(`the palette is not ${open ? "open" : "closed"}`);
    };
    const closed = new Promise((resolve) => dialog?.addEventListener("close", resolve, { once: true }));
    toggle();
    await waitForState(false);
    toggle();
    await waitForState(true);
    await closed;
  });
  await page.keyboard.type("wiki");
  await expect(palette.getByRole("option", { name: /wiki/ })).toBeVisible();
});
