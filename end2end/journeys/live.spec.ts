import { submitContainer, containerPath, createContainer, markDocument, row, expectSameDocument, status, visit } from "../harness/pages";
import { expect, test } from "../harness/test";

test("changes by another user appear without a reload", { tag: "@smoke" }, async ({ page, server, open }) => {
  const otherPage = await open(server.administrator);
  await visit(otherPage, "/containers");
  await markDocument(otherPage);
  await submitContainer(page, "seen");
  await expect(row(otherPage, "seen").getByText("creating", { exact: true })).toBeVisible();
  await expect(otherPage.getByRole("button", { name: /^\d+ running jobs?$/ })).toBeVisible();
  await expect(row(otherPage, "seen").getByText("running", { exact: true })).toBeVisible({ timeout: 60_000 });
  await expect(otherPage.getByRole("button", { name: /running jobs?$/ })).toHaveCount(0);

  await expect(status(page)).toHaveText("running");
  // The usage replaces the list of sizes instead of being inside the list.
  await expect(page.getByRole("progressbar", { name: /^Memory/ })).toBeVisible();
  await expect(page.locator("dl progress")).toHaveCount(0);
  await page.getByRole("button", { name: "Stop" }).click();
  await expect(row(otherPage, "seen").getByText("stopped", { exact: true })).toBeVisible();
  await expectSameDocument(otherPage);
});

test("a container deleted by another user disappears from the list and from its page", async ({ page, server, open, watch }) => {
  watch.expect(404, "/api/ui/containers/get");
  await createContainer(page, "leaving");
  const list = await open(server.administrator);
  const own = await open(server.administrator);
  await visit(list, "/containers");
  await visit(own, containerPath("leaving"));
  await expect(row(list, "leaving")).toBeVisible();

  await visit(page, containerPath("leaving", "settings"));
  await page.getByRole("button", { name: "Delete leaving" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("textbox").fill("leaving");
  await dialog.getByRole("button", { name: "Delete leaving" }).click();
  await expect(row(list, "leaving")).toHaveCount(0);
  await expect(own.getByText("This container does not exist.")).toBeVisible();
});

test("the tabs of a browser share one event stream", async ({ page, context, browser }) => {
  const direct: string[] = [];
  context.on("request", (request) => {
    // The shared worker's request belongs to no page.
    if (new URL(request.url()).pathname === "/events" && !request.serviceWorker()) direct.push(request.url());
  });
  await visit(page, "/containers");
  const second = await context.newPage();
  await visit(second, "/jobs");
  const third = await context.newPage();
  await visit(third, "/nodes");

  const session = await browser.newBrowserCDPSession();
  const { targetInfos } = await session.send("Target.getTargets");
  const workers = targetInfos.filter((target) => target.type === "shared_worker");
  expect(workers.map((worker) => new URL(worker.url).pathname)).toHaveLength(1);
  expect(direct).toEqual([]);

  // Every tab receives change notifications.
  await submitContainer(page, "shared");
  await Promise.all([
    expect(second.getByRole("link", { name: "Create shared" })).toBeVisible(),
    expect(third.getByRole("button", { name: /^\d+ running jobs?$/ })).toBeVisible(),
  ]);
});
