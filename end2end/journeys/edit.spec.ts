import { containerPath, createContainer, fieldError, status, visit } from "../harness/pages";
import { expect, test } from "../harness/test";

test("resources, description, environment and services are changed", async ({ page, server }) => {
  await createContainer(page, "changing");

  await visit(page, containerPath("changing", "settings"));
  await page.getByLabel("Memory", { exact: true }).fill("1 GiB");
  await page.getByLabel("Cores").fill("2");
  await page.getByLabel(/^Description/).fill("Changed on the way");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("Saved changing.")).toBeVisible();
  await page.getByRole("link", { name: "Overview" }).click();
  await expect(page.getByText("Changed on the way")).toBeVisible();
  await expect(page.getByText("of 2 cores")).toBeVisible();
  await expect(page.getByText(/of 1 GiB/)).toBeVisible();

  // A change that needs a restart offers one.
  await page.getByRole("link", { name: "Environment" }).click();
  await page.getByLabel(/^Environment variables/).fill("COLOR=green");
  const change = page.getByRole("button", { name: "Save" });
  await expect(change).toBeEnabled();
  await change.click();
  await page.getByRole("link", { name: "Overview" }).click();
  await expect(page.getByText("Some changes take effect only after a restart.")).toBeVisible();
  await page.getByRole("button", { name: "Restart now" }).click();
  await expect(page.getByText("Some changes take effect only after a restart.")).toBeHidden();
  await expect(page.getByRole("heading", { name: "Restart changing" })).toHaveCount(0);
  await expect(status(page)).toHaveText("running");

  await page.getByRole("link", { name: "Services" }).click();
  await page.getByRole("button", { name: "Add port" }).click();
  const port = page.getByRole("group", { name: "Service 2" });
  await port.getByLabel("Container port").fill("5432");
  await port.getByLabel(/^External port/).fill("2543");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("lab.example.org:2543/tcp")).toBeVisible();
  await page.getByRole("button", { name: "Remove Service 1" }).click();
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("link", { name: server.containerUrl("changing") })).toHaveCount(0);
  await page.reload();
  await expect(page.getByText("lab.example.org:2543/tcp")).toBeVisible();
});

test("the form shows assigned ports, and a service keeps its port", async ({ page, watch }) => {
  watch.expect(422, "/api/ui/containers/edit");
  await createContainer(page, "assigned");
  await visit(page, containerPath("assigned", "services"));
  const external = (service: number) => page.getByRole("group", { name: `Service ${service}` }).getByLabel(/^External port/);
  await page.getByRole("button", { name: "Add port" }).click();
  await page.getByRole("group", { name: "Service 2" }).getByLabel("Container port").fill("22");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(external(2)).toHaveValue(/^\d+$/);
  const port = await external(2).inputValue();

  await external(2).fill("");
  await page.getByRole("button", { name: "Add port" }).click();
  await page.getByRole("group", { name: "Service 3" }).getByLabel("Container port").fill("5432");
  await external(3).fill(port);
  await page.getByRole("button", { name: "Save" }).click();
  await expect(await fieldError(external(3))).toHaveText("Used by service 2.");
});

test("a concurrent change is rejected with a message and keeps entered values", async ({ page, server, open, watch }) => {
  watch.expect(409, "/api/ui/containers/edit");
  await createContainer(page, "contested");
  const otherPage = await open(server.administrator);
  for (const each of [page, otherPage]) await visit(each, containerPath("contested", "settings"));

  const mine = page.getByLabel(/^Description/);
  await mine.fill("Mine");
  await otherPage.getByLabel(/^Description/).fill("Theirs");
  await otherPage.getByRole("button", { name: "Save" }).click();
  await expect(otherPage.getByText("Saved contested.")).toBeVisible();

  await expect(page.getByText("This container changed since you loaded it.").first()).toBeVisible();
  await expect(mine).toHaveValue("Mine");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("Reload and try again.")).toBeVisible();
  await expect(mine).toHaveValue("Mine");
  await page.getByRole("button", { name: "Load the latest version" }).click();
  await expect(mine).toHaveValue("Theirs");
});
