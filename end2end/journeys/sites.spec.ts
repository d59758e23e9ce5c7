import { confirmDeletion, markDocument, openTab, fieldError, expectSameDocument, row, visit } from "../harness/pages";
import { expect, test } from "../harness/test";
import { violations } from "../harness/axe.mjs";

const FIELDS = {
  Name: "annex",
  Domain: "annex.example.org",
  Network: "10.30.0.0/16",
  Gateway: "10.30.0.1",
  "Addresses for containers": "10.30.0.100-10.30.0.200",
  "External ports": "3000-3999",
  Bridge: "vmbr0",
  "Template storage": "local",
  "Disk storage": "local-lvm",
  VMIDs: "10000-10999",
};

test("a site is created, changed and deleted", async ({ page }) => {
  await visit(page, "/sites");
  await expect(row(page, "lab")).toContainText("lab.example.org");
  await page.getByRole("link", { name: "New site" }).click();
  for (const [label, value] of Object.entries(FIELDS)) {
    await page.getByLabel(label, { exact: true }).fill(value);
  }
  await page.getByRole("button", { name: "Create site" }).click();
  await expect(page).toHaveURL("/sites/annex");
  await expect(page.getByRole("heading", { level: 1, name: "annex" })).toBeVisible();
  await expect(page.getByText("101", { exact: true })).toBeVisible();

  await expect(page.locator("dt", { hasText: "Public addresses" }).locator("+ dd")).toHaveText("none");
  const isolation = page.getByRole("region", { name: "Isolation" });
  await expect(isolation.getByText("Containers reach each other's ports.")).toBeVisible();
  await isolation.getByRole("button", { name: "Set interface filters" }).click();
  await expect(page.getByText("Jobs set the interface filters of the site's containers.")).toBeVisible();
  expect(await violations(page)).toEqual([]);
  await markDocument(page);
  await openTab(page, "Settings");
  await expect(page).toHaveURL("/sites/annex/settings");
  await page.getByLabel("Direct access to container ports").selectOption("Only the site's edge hosts");
  await page.getByLabel(/^Public address \(IPv4\)/).fill("198.51.100.7");
  await page.getByLabel(/^Public address \(IPv6\)/).fill("2001:DB8::7");
  await page.getByLabel("Addresses for containers").fill("10.30.0.100-10.30.0.109");
  const registries = page.getByLabel(/^Image registries/);
  await expect(registries).toHaveValue("docker.io, ghcr.io, quay.io");
  await registries.fill("GHCR.io registry.example.org:5000");
  await page.getByLabel("Image quota").fill("20 GiB");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByText("Saved annex.")).toBeVisible();
  await openTab(page, "Overview");
  await expect(page.getByText("10", { exact: true })).toBeVisible();
  await expect(page.getByText("198.51.100.7, 2001:db8::7", { exact: true })).toBeVisible();
  await expect(page.getByText("ghcr.io, registry.example.org:5000", { exact: true })).toBeVisible();
  await expect(page.getByText("0 B of 20 GiB", { exact: true })).toBeVisible();
  await expect(isolation.getByText("only the site's edge hosts reach its ports")).toBeVisible();
  await expect(page.getByRole("button", { name: "Delete annex" })).toHaveCount(0);

  // A renamed site stays on its tab. Back and reload work.
  await page.goBack();
  await page.getByLabel("Name", { exact: true }).fill("annex-2");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page).toHaveURL("/sites/annex-2/settings");
  await expect(page.getByRole("heading", { level: 1, name: "annex-2" })).toBeVisible();
  await expectSameDocument(page);
  await page.getByLabel("Name", { exact: true }).fill("annex");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page).toHaveURL("/sites/annex/settings");
  await page.reload();
  await expect(page.getByLabel("Name", { exact: true })).toHaveValue("annex");

  // The list of a site's containers leads to a form with this site.
  await visit(page, "/containers?site=annex");
  await page.getByRole("link", { name: "New container" }).click();
  await expect(page).toHaveURL("/containers/new?site=annex");
  await expect(page.getByRole("combobox", { name: "Site" }).locator("option:checked")).toContainText("annex");
  await expect(page.getByText("The site annex has no host yet")).toBeVisible();
  await visit(page, "/sites/annex/settings");

  await page.getByRole("button", { name: "Delete annex" }).click();
  await confirmDeletion(page, "annex");
  await expect(page).toHaveURL("/sites");
  await expect(page.getByRole("link", { name: "annex", exact: true })).toHaveCount(0);
});

test("invalid fields of a site show errors", async ({ page, watch }) => {
  watch.expect(422, "/api/ui/sites/create");
  await visit(page, "/sites/new");
  for (const [label, value] of Object.entries(FIELDS)) {
    await page.getByLabel(label, { exact: true }).fill(value);
  }
  const gateway = page.getByLabel("Gateway", { exact: true });
  await gateway.fill("192.168.1.1");
  const outside = page.getByLabel(/^Public address \(IPv4\)/);
  await outside.fill("edge.example.org");
  await page.getByRole("button", { name: /^Create/ }).click();
  for (const field of [gateway, outside]) await expect(await fieldError(field)).not.toBeEmpty();
  await expect(page).toHaveURL("/sites/new");

  await gateway.fill(FIELDS.Gateway);
  await outside.fill("");
  const name = page.getByLabel("Name", { exact: true });
  await name.fill("lab");
  await page.getByRole("button", { name: "Create site" }).click();
  await expect(await fieldError(name)).not.toBeEmpty();
  await expect(page.getByLabel("Domain", { exact: true })).toHaveValue(FIELDS.Domain);

  await name.fill(FIELDS.Name);
  const vmids = page.getByLabel("VMIDs", { exact: true });
  await vmids.fill("1000-1099");
  await page.getByRole("button", { name: "Create site" }).click();
  await expect(await fieldError(vmids)).toHaveText("The range overlaps 1000-9999 of the site lab on the same cluster.");
});

test("a site with containers cannot be deleted and shows the reason", async ({ page }) => {
  await visit(page, "/sites/lab/settings");
  await expect(page.getByText("Delete them first.")).toBeVisible();
  await expect(page.getByRole("button", { name: "Delete lab" })).toHaveCount(0);
});
