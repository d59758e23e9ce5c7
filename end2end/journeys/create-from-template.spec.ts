import { TEMPLATE, containerPath, markDocument, expectSameDocument, status, visit } from "../harness/pages";
import { expect, test } from "../harness/test";

test("a container is created with suggested values only", async ({ page }) => {
  await visit(page, "/containers/new");
  await markDocument(page);
  const name = await page.getByLabel("Name", { exact: true }).inputValue();
  await expect(page.getByLabel("Template or image")).toHaveValue(/\.tar\.zst$/);
  await page.getByRole("button", { name: "Create container" }).click();
  await expect(page).toHaveURL(containerPath(name));
  await expect(page.getByRole("listitem").filter({ hasText: "Check template" })).toBeVisible();
  // The page updates without interaction until the container runs.
  await expect(status(page)).toHaveText("running", { timeout: 60_000 });
  await expect(page.getByText("Check template")).toHaveCount(0);
  await expect(page.getByText(/10\.20\.\d+\.\d+/).filter({ visible: true }).first()).toBeVisible();
  await expectSameDocument(page);
});

test("a template of the site is selected", async ({ page }) => {
  await visit(page, "/containers/new");
  const source = page.getByLabel("Template or image");
  const list = await source.getAttribute("list");
  const offered = await page.locator(`[id="${list}"] option`).evaluateAll((options) =>
    options.map((option) => (option as HTMLOptionElement).value),
  );
  expect(offered).toContain(TEMPLATE);
  await page.getByLabel("Name", { exact: true }).fill("from-template");
  await source.fill(TEMPLATE);
  const summary = page.locator("section").filter({ hasText: "Summary" });
  await expect(summary.locator("dt", { hasText: "Template" }).locator("+ dd")).toHaveText(TEMPLATE);
  await page.getByRole("button", { name: "Remove Service 1" }).click();
  await page.getByRole("button", { name: "Create container" }).click();
  await expect(status(page)).toHaveText("running", { timeout: 60_000 });
  await expect(page.getByText(TEMPLATE)).toBeVisible();
  await expect(page.getByText("No services yet.")).toBeVisible();
});
