import { submitContainer, containerPath, row, status, visit } from "../harness/pages";
import { expect, test } from "../harness/test";

test("several selected containers are restarted, stopped and started", async ({ page }) => {
  await submitContainer(page, "first");
  await submitContainer(page, "second");
  for (const name of ["first", "second"]) {
    await visit(page, containerPath(name));
    await expect(status(page)).toHaveText("running", { timeout: 60_000 });
  }
  await visit(page, "/containers");
  const bar = page.getByRole("toolbar", { name: "Selected containers" });
  await expect(bar).toBeHidden();
  for (const name of ["first", "second"]) await page.getByRole("checkbox", { name: `Select ${name}` }).check();
  await expect(bar).toContainText("2 selected");
  await expect(bar.getByRole("button", { name: "Start", exact: true })).toBeDisabled();
  await bar.getByRole("button", { name: "Restart" }).click();
  for (const name of ["first", "second"]) await expect(page.getByText(`Restarting ${name}.`)).toBeVisible();
  await expect(bar).toBeHidden();
  for (const name of ["first", "second"]) await page.getByRole("checkbox", { name: `Select ${name}` }).check();
  await bar.getByRole("button", { name: "Stop" }).click();
  for (const name of ["first", "second"]) {
    await expect(row(page, name).getByText("stopped", { exact: true })).toBeVisible();
  }
  await expect(bar).toBeHidden();

  for (const name of ["first", "second"]) await page.getByRole("checkbox", { name: `Select ${name}` }).check();
  await bar.getByRole("button", { name: "Start", exact: true }).click();
  for (const name of ["first", "second"]) {
    await expect(row(page, name).getByText("running", { exact: true })).toBeVisible();
  }
});
