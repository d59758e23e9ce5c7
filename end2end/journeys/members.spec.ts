import { TEMPLATE, containerPath, createContainer, fieldError, row, visit } from "../harness/pages";
import { expect, test } from "../harness/test";

test("a member sees only their own containers", async ({ page, server, open, watch }) => {
  watch.expect(404, containerPath("wiki"));
  watch.expect(403, "/nodes");
  const meg = await open(await server.addUser("meg"));
  await visit(meg, "/containers");
  await expect(meg.getByRole("heading", { name: "No containers yet" })).toBeVisible();
  const navigation = meg.getByRole("navigation", { name: "Main navigation" }).first();
  await expect(navigation.getByRole("link")).toHaveText(["Containers", "Jobs"]);

  // The server tests cover which role may open which page. This tests the error page.
  await meg.goto(containerPath("wiki"));
  await expect(meg.getByRole("heading", { level: 1, name: "Container not found" })).toBeVisible();
  await meg.goto("/nodes");
  await expect(meg.getByRole("heading", { level: 1, name: "Not allowed" })).toBeVisible();

  await createContainer(meg, "megs-own");
  await visit(meg, "/containers");
  await expect(meg.locator("[data-row]")).toHaveText(["megs-own"]);
  await visit(page, "/containers");
  await expect(row(page, "megs-own")).toContainText("meg");
});

test("limits are shown, and exceeding one shows an error", async ({ page, server, open, watch }) => {
  watch.expect(422, "/api/ui/containers/create");
  watch.expect(409, "/api/ui/containers/create");
  const account = await server.addUser("lim");
  await visit(page, "/users/lim");
  await page.getByLabel(/^Containers/).fill("1");
  await page.getByLabel(/^Memory/).fill("1 GiB");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByText("Saved lim.")).toBeVisible();

  const lim = await open(account);
  await visit(lim, "/containers/new");
  await expect(lim.getByText("512 MiB of 1 GiB")).toBeVisible();
  await lim.getByLabel("Name", { exact: true }).fill("greedy");
  await lim.getByLabel("Template or image").fill(TEMPLATE);
  await lim.getByLabel("Memory", { exact: true }).fill("2 GiB");
  await lim.getByRole("button", { name: "Create container" }).click();
  await expect(await fieldError(lim.getByLabel("Memory", { exact: true }))).toHaveText(
    "The total would be 2048 MiB; the limit is 1024 MiB.",
  );
  await expect(lim.getByLabel("Name", { exact: true })).toHaveValue("greedy");

  await createContainer(lim, "modest");
  await visit(lim, "/containers/new");
  await lim.getByRole("button", { name: /^Create/ }).click();
  await expect(lim.locator(".form-error")).toHaveText(
    "You have reached your limit of 1 container. Delete a container, or ask an administrator to raise the limit.",
  );
});

test("an operator sees all containers and nodes but no accounts", async ({ server, open }) => {
  const ope = await open(await server.addUser("ope", "operator"));
  await visit(ope, "/containers");
  await expect(row(ope, "wiki")).toBeVisible();
  await ope.getByRole("link", { name: "Nodes" }).first().click();
  await expect(ope.getByRole("region", { name: "Cluster demo" })).toBeVisible();
  await expect(ope.getByRole("link", { name: "Users", exact: true })).toHaveCount(0);
  // The list of sites has no links to pages for administrators.
  await visit(ope, "/sites");
  await expect(ope.getByRole("cell", { name: "lab", exact: true })).toBeVisible();
  await expect(ope.getByRole("main").getByRole("link")).toHaveCount(0);
});
