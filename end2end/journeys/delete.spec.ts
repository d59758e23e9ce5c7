import { submitContainer, confirmDeletion, containerPath, createContainer, row, status, visit } from "../harness/pages";
import { expect, test } from "../harness/test";

test("a container is deleted after its name is typed", async ({ page, server, watch }) => {
  watch.expect(404, containerPath("doomed"));
  await createContainer(page, "doomed");
  const address = await page.getByText(/^10\.20\.\d+\.\d+/).first().innerText();
  await page.getByRole("link", { name: "Settings" }).click();
  await page.getByRole("button", { name: "Delete doomed" }).click();

  const dialog = page.getByRole("dialog", { name: "Delete doomed?" });
  await expect(dialog.getByRole("button", { name: "Keep doomed" })).toBeFocused();
  await expect(dialog.getByRole("listitem").filter({ hasText: "All data on the disk" })).toBeVisible();
  await expect(dialog.getByRole("listitem").filter({ hasText: address.trim() })).toBeVisible();
  await expect(dialog.getByRole("listitem").filter({ hasText: server.containerUrl("doomed") })).toBeVisible();

  const button = dialog.getByRole("button", { name: "Delete doomed" });
  await expect(button).toBeDisabled();
  await dialog.getByRole("textbox").fill("doome");
  await expect(button).toBeDisabled();
  await dialog.getByRole("button", { name: "Keep doomed" }).click();
  await expect(dialog).toBeHidden();
  await page.getByRole("button", { name: "Delete doomed" }).click();
  await expect(dialog.getByRole("textbox")).toHaveValue("");
  await page.keyboard.press("Escape");
  await expect(dialog).toBeHidden();

  await page.getByRole("button", { name: "Delete doomed" }).click();
  await confirmDeletion(page, "doomed");
  await expect(page).toHaveURL(/\/jobs\/\d+$/);
  await expect(status(page)).toHaveText("done");
  expect((await page.goto(containerPath("doomed")))?.status()).toBe(404);
});

test("a container is deleted from the row menu and its name can be reused", async ({ page }) => {
  await createContainer(page, "again");
  await visit(page, "/containers");
  await row(page, "again").getByRole("button", { name: "Actions for again" }).click();
  await page.getByRole("button", { name: "Delete", exact: true }).locator("visible=true").click();
  await confirmDeletion(page, "again");
  await expect(page).toHaveURL(/\/jobs\/\d+$/);
  await expect(status(page)).toHaveText("done");
  await submitContainer(page, "again");
});
