import { containerPath, markDocument, expectSameDocument, status, visit } from "../harness/pages";
import { expect, test } from "../harness/test";

test("a container is created from an image", { tag: "@smoke" }, async ({ page, server }) => {
  await visit(page, "/containers");
  await markDocument(page);
  await page.getByRole("link", { name: "New container" }).click();
  const name = page.getByLabel("Name", { exact: true });
  await expect(name).toHaveValue(/^[a-z]+-[a-z]+/);
  await name.fill("web-1");
  await page.getByLabel("Template or image").fill("nginx:1.28");
  await page.getByLabel("Memory", { exact: true }).fill("1 GiB");
  await page.getByText("Environment, command, description").click();
  await page.getByLabel(/^Environment/).fill("GREETING=hello\nLEVEL=3");
  await page.getByLabel(/^Description/).fill("The first journey");

  await expect(page.getByRole("group", { name: "Service 1" }).getByLabel("Container port")).toHaveValue("80");
  await page.getByRole("button", { name: "Add port" }).click();
  const login = page.getByRole("group", { name: "Service 2" });
  await expect(login.getByLabel("Container port")).toHaveValue("");
  await login.getByLabel("Container port").fill("22");
  await page.getByRole("button", { name: "Add port" }).click();
  await page.getByRole("button", { name: "Remove Service 3" }).click();
  await expect(page.getByRole("group", { name: /^Service \d/ })).toHaveCount(2);

  const preview = page.locator("section").filter({ hasText: "Summary" });
  await expect(preview).toContainText("web-1.lab.example.org");
  await expect(preview).toContainText(server.containerUrl("web-1"));
  await expect(preview).toContainText("lab.example.org, a free port from 2000 to 2999 (TCP)");
  await expect(preview.locator("dt", { hasText: "Image" }).locator("+ dd")).toHaveText("docker.io/library/nginx:1.28");
  await expect(preview).toContainText(/pve[12]/);
  await expect(page.getByText("No limits apply.")).toBeVisible();

  await page.getByRole("button", { name: "Create container" }).click();
  await expect(page).toHaveURL(containerPath("web-1"));
  await expect(status(page)).toHaveText("creating");
  await expect(page.getByRole("progressbar", { name: /^Pull image/ })).toBeVisible();

  // The job's page shows steps and log lines as they are written.
  await page.getByRole("link", { name: "View job" }).click();
  await expect(page).toHaveURL(/\/jobs\/\d+$/);
  await expect(page.getByRole("heading", { level: 1, name: "Create web-1" })).toBeVisible();
  await expect(page.getByRole("listitem").filter({ hasText: "Pull image" })).toContainText("running");
  const log = page.getByRole("region", { name: /^Log/ });
  await expect(log).toContainText(/nginx/);
  await expect(page.getByRole("listitem").filter({ hasText: "Start container" })).toContainText("waiting");
  await expect(page.getByText("web-1 was created.")).toBeVisible({ timeout: 60_000 });
  await expect(page.getByRole("listitem").filter({ hasText: "Wait for IP address" })).toContainText("done");

  await page.getByRole("link", { name: "Open web-1" }).click();
  await expect(page).toHaveURL(containerPath("web-1"));
  await expect(status(page)).toHaveText("running");
  const link = server.containerUrl("web-1");
  await expect(page.getByRole("link", { name: link })).toHaveAttribute("href", link);
  await expect(page.getByText(/^ssh -p 2\d{3} root@lab\.example\.org$/)).toBeVisible();
  await expect(page.getByText("The first journey")).toBeVisible();
  await expect(page.getByText(/of 1 GiB/)).toBeVisible();

  await page.getByRole("link", { name: "Environment" }).click();
  await expect(page.getByLabel(/^Environment variables/)).toHaveValue("GREETING=hello\nLEVEL=3");
  await expectSameDocument(page);
});
