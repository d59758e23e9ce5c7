import { submitContainer, confirmDeletion, containerPath, row, status, visit } from "../harness/pages";
import { expect, test } from "../harness/test";

test("a failed creation shows a reason with the original error and is retried", async ({ page }) => {
  await submitContainer(page, "failing", "ghcr.io/example/nothing-here:v1");
  await expect(status(page)).toHaveText("failed");
  await expect(page.getByText(/does not exist, or the registry requires a sign-in/)).toBeVisible();
  await expect(page.getByRole("button", { name: "Retry" })).toBeVisible();
  await page.getByRole("link", { name: "View job" }).click();
  await expect(page).toHaveURL(/\/jobs\/\d+$/);
  await expect(status(page)).toHaveText("failed");
  await expect(page.getByText(/does not exist, or the registry requires a sign-in/).first()).toBeVisible();
  const details = page.locator("details").filter({ hasText: "Error message" });
  await details.locator("summary").click();
  await expect(details.locator("pre")).toContainText(/nothing-here/);
  await expect(page.getByRole("region", { name: /^Log/ })).not.toBeEmpty();

  const log = page.getByRole("region", { name: /^Log/ });
  const lines = async () => (await log.innerText()).trim().split("\n").length;
  const before = await lines();
  await page.getByRole("button", { name: "Retry" }).click();
  await expect.poll(lines, { message: "the retry appends to the log" }).toBeGreaterThan(before);
  await expect(status(page)).toHaveText("failed");
  await expect(page.getByRole("button", { name: "Retry" })).toBeVisible();

  // A container that was never created can be deleted.
  await visit(page, containerPath("failing"));
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await expect(page.getByRole("dialog").getByText("All data on the disk")).toHaveCount(0);
  await confirmDeletion(page, "failing");
  await expect(status(page)).toHaveText("done");
});

test("a running creation is canceled and rolled back", async ({ page }) => {
  await submitContainer(page, "unwanted", "docker.io/library/postgres:17");
  await page.getByRole("link", { name: "View job" }).click();
  await expect(page.getByRole("listitem").filter({ hasText: "Pull image" })).toContainText("running");
  await page.getByRole("button", { name: "Cancel job" }).click();
  await expect(status(page)).toHaveText("canceled");
  await expect(page.getByRole("button", { name: "Cancel job" })).toHaveCount(0);

  await visit(page, containerPath("unwanted"));
  await expect(status(page)).toHaveText("failed");
});

test("the log can be searched and downloaded", async ({ page }) => {
  await visit(page, "/jobs?q=wiki");
  await page.getByRole("link", { name: "Create wiki" }).click();
  await expect(status(page)).toHaveText("done", { timeout: 60_000 });
  const log = page.getByRole("region", { name: /^Log/ });
  await page.getByRole("searchbox", { name: "Search the log" }).fill("NGINX");
  await expect(log.locator("mark").first()).toHaveText(/nginx/i);
  await page.getByRole("searchbox", { name: "Search the log" }).fill("nothing is called this");
  await expect(page.getByRole("status").getByText(/^0 of \d+ lines$/)).toBeVisible();
  const downloadEvent = page.waitForEvent("download");
  await page.getByRole("link", { name: "Download" }).click();
  const download = await downloadEvent;
  expect(download.suggestedFilename()).toMatch(/^job-\d+\.log$/);
  const chunks: Buffer[] = [];
  for await (const chunk of await download.createReadStream()) chunks.push(chunk as Buffer);
  expect(Buffer.concat(chunks).toString()).toMatch(/^\d{4}-\d{2}-\d{2}T.*nginx/m);
});

test("jobs are filtered by status and container", async ({ page }) => {
  await visit(page, "/jobs");
  await page.getByRole("searchbox").fill("wiki");
  await expect(page).toHaveURL("/jobs?q=wiki");
  await expect(page.locator("[data-row]")).toHaveText(["Create wiki"]);
  await page.getByRole("combobox", { name: "All statuses" }).selectOption("canceled");
  await expect(page).toHaveURL(/state=canceled/);
  await expect(page.getByRole("heading", { name: "No jobs match" })).toBeVisible();
  await page.getByRole("link", { name: "Show all jobs" }).click();
  await expect(row(page, "Create wiki")).toBeVisible();
});
