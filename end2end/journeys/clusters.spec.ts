import { Simulator } from "../harness/simulator.mjs";
import { TEMPLATE, confirmDeletion, openTab, fieldError, row, status, visit } from "../harness/pages";
import { violations } from "../harness/axe.mjs";
import { expect, test as base } from "../harness/test";
import type { Page } from "@playwright/test";

/** Each test has its own simulated cluster with unmanaged containers. */
const test = base.extend<{ cluster: Simulator }>({
  cluster: async ({}, use) => {
    const simulator = await Simulator.start();
    await use(simulator);
    await simulator.stop();
  },
});

async function fillForm(page: Page, name: string, cluster: Simulator, password = cluster.password) {
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Node address").fill(cluster.url);
  await page.getByLabel("User or API token").fill("root@pam");
  await page.getByLabel("Secret").fill(password);
}

/** Fetches the certificate, compares its fingerprint if given, and confirms it. */
async function confirmFingerprint(page: Page, fingerprint?: string) {
  await page.getByRole("button", { name: "Fetch certificate" }).click();
  const checkbox = page.getByLabel("The fingerprint matches");
  await expect(checkbox).toBeVisible();
  if (fingerprint) await expect(page.getByText(fingerprint, { exact: true })).toBeVisible();
  await checkbox.check();
}

async function addCluster(page: Page, name: string, cluster: Simulator) {
  await visit(page, "/clusters");
  await page.getByRole("link", { name: "Add cluster" }).first().click();
  await expect(page.getByRole("heading", { level: 1, name: "Add cluster" })).toBeVisible();
  await fillForm(page, name, cluster);
  await confirmFingerprint(page, cluster.fingerprint);
  await page.getByRole("button", { name: "Add cluster" }).click();
  await expect(page).toHaveURL(`/clusters/${name}`);
  await waitUntilOnline(page);
}

/** Waits until the cluster is online and its resources are loaded. Requests that are pending during a
 * change or removal would fail. */
async function waitUntilOnline(page: Page) {
  await expect(status(page)).toHaveText("online");
  await expect(page.getByText("vmbr0", { exact: true })).toBeVisible();
}

/** Creates a site on a cluster of the same name. The form fills in the cluster's resources. */
async function createSite(page: Page, name: string) {
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Domain").fill(`${name}.example.org`);
  await page.getByLabel("Network", { exact: true }).fill("10.20.0.0/16");
  await page.getByLabel("Gateway").fill("10.20.0.1");
  await page.getByLabel("Addresses for containers").fill("10.20.9.1-10.20.9.100");
  await page.getByLabel("External ports").fill("4000-4099");
  await page.getByLabel("Cluster", { exact: true }).selectOption({ label: name });
  await expect(page.getByLabel("Bridge")).toHaveValue("vmbr0");
  await expect(page.getByLabel("Template storage")).toHaveValue("local");
  await expect(page.getByLabel("Disk storage")).toHaveValue("local-lvm");
  await page.getByLabel("VMIDs").fill("5000-5099");
  await page.getByRole("button", { name: "Create site" }).click();
  await expect(page).toHaveURL(`/sites/${name}`);
}

/** Deletes a site and its cluster. */
async function deleteSiteAndCluster(page: Page, name: string) {
  await visit(page, `/sites/${name}/settings`);
  await page.getByRole("button", { name: `Delete ${name}` }).click();
  await confirmDeletion(page, name);
  await expect(page).toHaveURL("/sites");
  await visit(page, `/clusters/${name}/settings`);
  await expect(status(page)).toHaveText("online");
  await page.getByRole("button", { name: `Remove ${name}` }).click();
  await confirmDeletion(page, name, "Remove");
  await expect(page).toHaveURL("/clusters");
  await expect(page.getByRole("link", { name, exact: true })).toHaveCount(0);
}

test("a cluster is added, imported from, used and removed", async ({ page, cluster }) => {
  await addCluster(page, "cabin", cluster);
  await expect(page.getByText("root@pam", { exact: true }).first()).toBeVisible();
  await expect(page.getByRole("table", { name: "Nodes of cabin" }).getByText("pve1", { exact: true })).toBeVisible();
  await openTab(page, "Import");
  await expect(page).toHaveURL("/clusters/cabin/import");
  const unmanaged = page.getByRole("table", { name: "Unmanaged containers" });
  await expect(unmanaged.getByRole("row")).toHaveCount(5);

  await page.getByRole("link", { name: "Create a site on this cluster first" }).click();
  await expect(page.getByLabel("Cluster", { exact: true }).locator("option:checked")).toHaveText("cabin");
  await createSite(page, "cabin");

  await visit(page, "/clusters/cabin/import");
  const first = unmanaged.getByRole("row").filter({ hasText: "running" }).first();
  const name = (await first.getByRole("cell").nth(1).innerText()).trim();
  await first.getByRole("checkbox").check();
  await page.getByRole("button", { name: "Import 1 container" }).click();
  await expect(page.getByText("Imported 1 container.")).toBeVisible();
  await expect(unmanaged.getByRole("row")).toHaveCount(4);

  await visit(page, `/sites/cabin/containers/${name}`);
  await expect(status(page)).toHaveText("running");
  await expect(page.getByText("unknown (imported)")).toBeVisible();
  await page.getByRole("button", { name: "Stop", exact: true }).click();
  await expect(status(page)).toHaveText("stopped", { timeout: 60_000 });
  await visit(page, `/sites/cabin/containers/${name}/settings`);
  await page.getByRole("button", { name: "Turn on interface filters" }).click();
  const off = page.getByRole("button", { name: "Turn off interface filters" });
  await expect(page.getByText("Set.", { exact: true })).toBeVisible({ timeout: 60_000 });
  expect(await violations(page)).toEqual([]);
  await off.click();
  await expect(page.getByText("Off.", { exact: true })).toBeVisible({ timeout: 60_000 });
  await page.getByRole("button", { name: `Delete ${name}` }).click();
  await confirmDeletion(page, name);
  await expect(status(page)).toHaveText("done", { timeout: 60_000 });

  await deleteSiteAndCluster(page, "cabin");
});

test("errors of a new cluster are shown at their fields", async ({ page, cluster, watch }) => {
  watch.expect(422, "/api/ui/clusters/fetch-certificate");
  watch.expect(422, "/api/ui/clusters/create");
  await visit(page, "/clusters/new");
  await page.getByRole("button", { name: "Add" }).click();
  await expect(page.getByRole("heading", { name: "Some fields are invalid" })).toBeVisible();
  await page.getByLabel("Node address").fill("127.0.0.1:1");
  await page.getByRole("button", { name: "Fetch certificate" }).click();
  await expect(await fieldError(page.getByLabel("Node address"))).toContainText("unreachable");

  await fillForm(page, "cabin", cluster, "not the password");
  await confirmFingerprint(page);
  await page.getByRole("button", { name: "Add cluster" }).click();
  await expect(await fieldError(page.getByLabel("Secret"))).toContainText("rejected the password");
  await expect(page.getByLabel("User or API token")).toHaveValue("root@pam");
});

test("a changed certificate blocks requests until an administrator confirms it", async ({ page, cluster }) => {
  await addCluster(page, "rotated", cluster);
  await cluster.post("conditions", { certificate: "renew" });
  await expect(status(page)).toHaveText("certificate changed");
  await expect(page.getByText("Holdfast sends no requests")).toBeVisible();

  await page.getByRole("link", { name: "settings", exact: true }).click();
  await expect(page).toHaveURL("/clusters/rotated/settings");
  await confirmFingerprint(page);
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByText("Saved rotated.")).toBeVisible();
  await expect(status(page)).toHaveText("online");
  await page.getByRole("button", { name: "Remove rotated" }).click();
  await confirmDeletion(page, "rotated", "Remove");
  await expect(page).toHaveURL("/clusters");
});

test("changes on a cluster are shown without a reload", async ({ page, cluster }) => {
  await addCluster(page, "hut", cluster);
  await openTab(page, "Import");
  const unmanaged = page.getByRole("table", { name: "Unmanaged containers" });
  await cluster.post("changes", { create: { vmid: 700, node: "pve1", hostname: "new-container" } });
  await expect(unmanaged.getByText("new-container")).toBeVisible();
  await cluster.post("changes", { rename: { vmid: 700, hostname: "renamed-container" } });
  await expect(unmanaged.getByText("renamed-container")).toBeVisible();
  await cluster.post("changes", { move: { vmid: 700, node: "pve2" } });
  await expect(unmanaged.getByRole("row").filter({ hasText: "renamed-container" })).toContainText("pve2");
  await cluster.post("changes", { delete: { vmid: 700 } });
  await expect(unmanaged.getByText("renamed-container")).toHaveCount(0);

  await visit(page, "/clusters");
  await expect(row(page, "hut")).toContainText("online");
  await visit(page, "/clusters/hut/settings");
  await expect(status(page)).toHaveText("online");
  await page.getByRole("button", { name: "Remove hut" }).click();
  await confirmDeletion(page, "hut", "Remove");
  await expect(page).toHaveURL("/clusters");
});

test("Docker is available with a root login, and otherwise the form shows the reason", async ({ page, cluster }) => {
  await addCluster(page, "dock", cluster);
  await visit(page, "/sites/new");
  await createSite(page, "dock");

  await visit(page, "/containers/new");
  await page.getByText("Environment, command, description, Docker").click();
  const docker = page.getByLabel("Docker support");
  const siteField = page.getByRole("combobox", { name: "Site", exact: true });
  await siteField.selectOption({ label: "lab (lab.example.org)" });
  await expect(docker).toBeDisabled();
  await expect(page.getByText("Proxmox requires root@pam with a password")).toBeVisible();
  await siteField.selectOption({ label: "dock (dock.example.org)" });
  await docker.check();
  await page.getByLabel("Name", { exact: true }).fill("builder");
  await page.getByLabel("Template or image").fill(TEMPLATE);
  await page.getByRole("button", { name: "Create container" }).click();
  await expect(page).toHaveURL("/sites/dock/containers/builder");
  await expect(status(page)).toHaveText("running", { timeout: 60_000 });
  await expect(page.getByText("Docker support", { exact: true }).locator("xpath=following-sibling::dd[1]")).toHaveText("yes");
  const containers = await cluster.get("containers");
  expect(JSON.stringify(containers)).toContain("builder");

  await visit(page, "/sites/dock/containers/builder/settings");
  await page.getByRole("button", { name: "Delete builder" }).click();
  await confirmDeletion(page, "builder");
  await expect(status(page)).toHaveText("done", { timeout: 60_000 });
  await deleteSiteAndCluster(page, "dock");
});
