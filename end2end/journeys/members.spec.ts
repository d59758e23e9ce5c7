import { TEMPLATE, containerPath, create, refusalAt, row, visit } from "../harness/pages";
import { expect, test } from "../harness/test";

test("a member sees their own containers and nothing of others", async ({ page, server, open, watch }) => {
  watch.expect(/\b40[34]\b/);
  const meg = await open(await server.addUser("meg"));
  await visit(meg, "/containers");
  await expect(meg.getByRole("heading", { name: "No containers yet" })).toBeVisible();
  const places = meg.getByRole("navigation", { name: "Places" }).first();
  await expect(places.getByRole("link")).toHaveText(["Containers", "Jobs"]);

  for (const [path, status] of [
    [containerPath("wiki"), 404],
    ["/jobs/1", 404],
    ["/nodes", 403],
    ["/sites", 403],
    ["/sites/new", 403],
    ["/sites/lab", 403],
    ["/domains", 403],
    ["/domains/new", 403],
    ["/domains/1", 403],
    ["/certificates", 403],
    ["/certificates/1", 403],
    ["/authorities", 403],
    ["/providers", 403],
    ["/users", 403],
    ["/users/new", 403],
    ["/users/admin", 403],
  ] as const) {
    expect((await meg.goto(path))?.status(), path).toBe(status);
    await expect(meg.locator("main")).toContainText(status === 403 ? "Not allowed" : "Not found");
  }

  await create(meg, "megs-own");
  await visit(meg, "/containers");
  await expect(meg.locator("[data-row]")).toHaveText(["megs-own"]);
  await visit(page, "/containers");
  await expect(row(page, "megs-own")).toContainText("meg");
});

test("limits are shown, and refused beside the field with words", async ({ page, server, open, watch }) => {
  watch.expect(/\b422\b/);
  const account = await server.addUser("lim");
  await visit(page, "/users/lim");
  await page.getByLabel(/^Containers/).fill("1");
  await page.getByLabel(/^Memory/).fill("1 GiB");
  await page.getByRole("button", { name: "Save the account" }).click();
  await expect(page.getByText("Saved lim.")).toBeVisible();

  const lim = await open(account);
  await visit(lim, "/containers/new");
  await expect(lim.getByText("512 of 1024 MiB")).toBeVisible();
  await lim.getByLabel("Name", { exact: true }).fill("greedy");
  await lim.getByLabel("Template or image").fill(TEMPLATE);
  await lim.getByLabel("Memory", { exact: true }).fill("2 GiB");
  await lim.getByRole("button", { name: "Create greedy" }).click();
  await expect(await refusalAt(lim.getByLabel("Memory", { exact: true }))).toHaveText(
    "That makes 2048 MiB; your limit is 1024 MiB together.",
  );
  await expect(lim.getByLabel("Name", { exact: true })).toHaveValue("greedy");

  await create(lim, "modest");
  await visit(lim, "/containers/new");
  await lim.getByRole("button", { name: /^Create/ }).click();
  await expect(await refusalAt(lim.getByLabel("Name", { exact: true }))).toHaveText(
    "Your limit is 1 containers. Delete one, or ask for more.",
  );
});

test("an operator sees everybody's containers and the nodes, and no accounts", async ({ server, open, watch }) => {
  watch.expect(/\b403\b/);
  const ope = await open(await server.addUser("ope", "operator"));
  await visit(ope, "/containers");
  await expect(row(ope, "wiki")).toBeVisible();
  await ope.getByRole("link", { name: "Nodes" }).first().click();
  await expect(ope.getByRole("region", { name: "Cluster demo" })).toBeVisible();
  expect((await ope.goto("/users"))?.status()).toBe(403);
  expect((await ope.goto("/sites/new"))?.status()).toBe(403);
});
