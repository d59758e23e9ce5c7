import type { Page } from "@playwright/test";
import { containerPath, row, status, visit } from "../harness/pages";
import { expect, test } from "../harness/test";

const openLink = (page: Page) => page.locator(".page-head").getByRole("link", { name: "Open", exact: true });
const headButton = (page: Page, name: string) => page.locator(".page-head").getByRole("button", { name, exact: true });

test("a container's link opens its page, until the container is stopped", async ({ page, server, watch }) => {
  for (const status of [404, 502]) watch.expect(status, "/");
  const link = server.containerUrl("wiki");
  await visit(page, containerPath("wiki"));
  await expect(status(page)).toHaveText("running", { timeout: 60_000 });
  await expect(page.locator(".publication").first()).toHaveText("live");
  await expect(openLink(page)).toHaveAttribute("href", link);
  await openLink(page).click();
  await expect(page).toHaveURL(`${link}/`);
  await expect(page.getByRole("heading", { level: 1, name: "wiki" })).toBeVisible();
  await expect(page.getByText("This page is served by a simulated container.")).toBeVisible();
  await expect(page.locator("pre")).toContainText("host: wiki.localhost");
  await expect(page.locator("pre")).not.toContainText("holdfast_session");

  await visit(page, "/containers");
  const listed = row(page, "wiki").getByRole("link", { name: link.replace("http://", "") });
  await expect(listed).toHaveAttribute("href", link);
  await visit(page, containerPath("wiki"));
  await headButton(page, "Stop").click();
  await expect(status(page)).toHaveText("stopped");
  await expect(openLink(page)).toHaveCount(0);
  expect((await page.goto(link))?.status()).toBe(502);
  await expect(page.getByRole("heading", { name: "Service unreachable" })).toBeVisible();

  await visit(page, containerPath("wiki"));
  await headButton(page, "Start").click();
  await expect(status(page)).toHaveText("running");
  await openLink(page).click();
  await expect(page.getByRole("heading", { level: 1, name: "wiki" })).toBeVisible();
  expect((await page.goto(server.containerUrl("nothing")))?.status()).toBe(404);
  await expect(page.getByRole("heading", { name: "Service not found" })).toBeVisible();
});
