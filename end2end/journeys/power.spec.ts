import { createContainer, row, status, visit } from "../harness/pages";
import { expect, test } from "../harness/test";

test("stop, undo, start and restart", async ({ page, watch }) => {
  // An undo conflicts until the cluster was polled after the job. The page retries it until then.
  watch.expect(409, "/api/ui/containers/power");
  await createContainer(page, "switch");
  const button = (name: string) => page.locator(".page-head").getByRole("button", { name, exact: true });
  await expect(button("Start")).toBeDisabled();

  await button("Stop").click();
  const note = page.locator(".toast").filter({ hasText: "Stopping switch." });
  const body = JSON.stringify({ conflict: { message: "The container does not run." } });
  await page.route("**/api/ui/containers/power", (route) => route.fulfill({ status: 409, contentType: "application/json", body }), { times: 1 });
  await note.getByRole("button", { name: "Undo" }).click();
  await expect(page.getByText("Undo started for switch.")).toBeVisible();
  await expect(status(page)).toHaveText("running");
  await expect(button("Stop")).toBeEnabled();

  await button("Stop").click();
  await expect(status(page)).toHaveText("stopped");
  await expect(button("Stop")).toBeDisabled();
  await expect(button("Restart")).toBeDisabled();

  await button("Start").click();
  await expect(status(page)).toHaveText("running");
  await button("Restart").click();
  await expect(page.getByText("Restarting switch.")).toBeVisible();
  await expect(page.getByRole("heading", { name: "Restart switch" })).toBeVisible();
  await expect(page.getByRole("heading", { name: "Restart switch" })).toBeHidden();
  await expect(status(page)).toHaveText("running");

  await page.getByRole("navigation", { name: "Container sections" }).getByRole("link", { name: "Jobs" }).click();
  const jobs = page.getByRole("table", { name: "Jobs of this container" });
  await expect(jobs.locator("[data-row]")).toHaveText(["Restart", "Start", "Stop", "Start", "Stop", "Create"]);
});

test("the row menu stops and starts a container", async ({ page }) => {
  await createContainer(page, "by-menu");
  await visit(page, "/containers");
  const mine = row(page, "by-menu");
  const menu = () => mine.getByRole("button", { name: "Actions for by-menu" });
  await menu().click();
  await expect(page.getByRole("button", { name: "Start", exact: true }).locator("visible=true")).toBeDisabled();
  await page.getByRole("button", { name: "Stop", exact: true }).locator("visible=true").click();
  await expect(mine.getByText("stopped", { exact: true })).toBeVisible();
  await menu().click();
  await page.getByRole("button", { name: "Start", exact: true }).locator("visible=true").click();
  await expect(mine.getByText("running", { exact: true })).toBeVisible();
});
