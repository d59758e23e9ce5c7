import { Simulator } from "../harness/simulator.mjs";
import { confirmDeletion, refusalAt, row, status, visit } from "../harness/pages";
import { expect, test as base } from "../harness/test";
import type { Page } from "@playwright/test";

/** Each test has a cluster of its own, made by others. */
const test = base.extend<{ cluster: Simulator }>({
  cluster: async ({}, use) => {
    const simulator = await Simulator.start();
    await use(simulator);
    await simulator.stop();
  },
});

async function fill(page: Page, name: string, cluster: Simulator, password = cluster.password) {
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Address of a node").fill(cluster.url);
  await page.getByLabel("User or token").fill("root@pam");
  await page.getByLabel("Secret").fill(password);
}

/** Looks at the certificate, compares it with what the node itself says, and confirms it. */
async function confirm(page: Page, fingerprint?: string) {
  await page.getByRole("button", { name: "Look at the certificate" }).click();
  const same = page.getByLabel("I compared it: it is the same");
  await expect(same).toBeVisible();
  if (fingerprint) await expect(page.getByText(fingerprint, { exact: true })).toBeVisible();
  await same.check();
}

async function add(page: Page, name: string, cluster: Simulator) {
  await visit(page, "/clusters");
  await page.getByRole("link", { name: "Add a cluster" }).first().click();
  await expect(page.getByRole("heading", { level: 1, name: "Add a cluster" })).toBeVisible();
  await fill(page, name, cluster);
  await confirm(page, cluster.fingerprint);
  await page.getByRole("button", { name: `Add ${name}` }).click();
  await expect(page).toHaveURL(`/clusters/${name}`);
  await expect(status(page)).toHaveText("answers");
}

test("a cluster is added, imported from, used and removed", async ({ page, cluster }) => {
  await add(page, "home", cluster);
  await expect(page.getByText("root@pam", { exact: true }).first()).toBeVisible();
  await expect(page.getByText("vmbr0", { exact: true })).toBeVisible();
  const foreign = page.getByRole("table", { name: "Containers made elsewhere" });
  await expect(foreign.getByRole("row")).toHaveCount(5);

  await page.getByRole("link", { name: "Make a site on this cluster first" }).click();
  const cells = { Name: "home", Domain: "home.example.org", Network: "10.20.0.0/16" };
  for (const [label, value] of Object.entries(cells)) await page.getByLabel(label, { exact: true }).fill(value);
  await page.getByLabel("Gateway").fill("10.20.0.1");
  await page.getByLabel("Addresses for containers").fill("10.20.9.1-10.20.9.100");
  await page.getByLabel("External ports").fill("4000-4099");
  await page.getByLabel("Cluster", { exact: true }).selectOption({ label: "home" });
  // What the cluster has was filled in by itself.
  await expect(page.getByLabel("Bridge")).toHaveValue("vmbr0");
  await expect(page.getByLabel("Storage for templates")).toHaveValue("local");
  await expect(page.getByLabel("Storage for disks")).toHaveValue("local-lvm");
  await page.getByLabel("Numbers").fill("5000-5099");
  await page.getByRole("button", { name: "Create home" }).click();
  await expect(page).toHaveURL("/sites/home");

  await visit(page, "/clusters/home");
  const first = foreign.getByRole("row").filter({ hasText: "running" }).first();
  const name = (await first.getByRole("cell").nth(1).innerText()).trim();
  await first.getByRole("checkbox").check();
  await page.getByRole("button", { name: "Take over 1 container" }).click();
  await expect(page.getByText("Took over 1 container.")).toBeVisible();
  await expect(foreign.getByRole("row")).toHaveCount(4);

  await visit(page, `/sites/home/containers/${name}`);
  await expect(status(page)).toHaveText("running");
  await expect(page.getByText("taken over from the cluster")).toBeVisible();
  await page.getByRole("button", { name: "Stop", exact: true }).click();
  await expect(status(page)).toHaveText("stopped", { timeout: 60_000 });
  await visit(page, `/sites/home/containers/${name}/settings`);
  await page.getByRole("button", { name: `Delete ${name}` }).click();
  await confirmDeletion(page, name);
  await expect(status(page)).toHaveText("done", { timeout: 60_000 });

  await visit(page, "/sites/home");
  await page.getByRole("button", { name: "Delete home" }).click();
  await confirmDeletion(page, "home");
  await expect(page).toHaveURL("/sites");
  await visit(page, "/clusters/home");
  await page.getByRole("button", { name: "Remove home" }).click();
  await confirmDeletion(page, "home");
  await expect(page).toHaveURL("/clusters");
  await expect(page.getByRole("link", { name: "home", exact: true })).toHaveCount(0);
});

test("what keeps a cluster from being added is told at its field", async ({ page, cluster, watch }) => {
  watch.expect(/\b422\b/);
  await visit(page, "/clusters/new");
  await page.getByRole("button", { name: "Add" }).click();
  await expect(page.getByRole("heading", { name: "Some fields need other values" })).toBeVisible();
  await page.getByLabel("Address of a node").fill("127.0.0.1:1");
  await page.getByRole("button", { name: "Look at the certificate" }).click();
  await expect(await refusalAt(page.getByLabel("Address of a node"))).toContainText("cannot be reached");

  await fill(page, "home", cluster, "not the password");
  await confirm(page);
  await page.getByRole("button", { name: "Add home" }).click();
  await expect(await refusalAt(page.getByLabel("Secret"))).toContainText("did not accept the password");
  await expect(page.getByLabel("User or token")).toHaveValue("root@pam");
});

test("a changed certificate stops everything until a person confirms it", async ({ page, cluster }) => {
  await add(page, "house", cluster);
  await cluster.happen("conditions", { certificate: "renew" });
  await expect(status(page)).toHaveText("certificate changed");
  await expect(page.getByText("Holdfast sends nothing there any more")).toBeVisible();

  await confirm(page);
  await page.getByRole("button", { name: "Save the cluster" }).click();
  await expect(page.getByText("Saved house.")).toBeVisible();
  await expect(status(page)).toHaveText("answers");
  await page.getByRole("button", { name: "Remove house" }).click();
  await confirmDeletion(page, "house");
  await expect(page).toHaveURL("/clusters");
});

test("what happens on a cluster is seen without asking for it", async ({ page, cluster }) => {
  await add(page, "hut", cluster);
  const foreign = page.getByRole("table", { name: "Containers made elsewhere" });
  await cluster.happen("changes", { make: { vmid: 700, node: "pve1", hostname: "newcomer" } });
  await expect(foreign.getByText("newcomer")).toBeVisible();
  await cluster.happen("changes", { rename: { vmid: 700, hostname: "oldtimer" } });
  await expect(foreign.getByText("oldtimer")).toBeVisible();
  await cluster.happen("changes", { move: { vmid: 700, node: "pve2" } });
  await expect(foreign.getByRole("row").filter({ hasText: "oldtimer" })).toContainText("pve2");
  await cluster.happen("changes", { delete: { vmid: 700 } });
  await expect(foreign.getByText("oldtimer")).toHaveCount(0);

  await visit(page, "/clusters");
  await expect(row(page, "hut")).toContainText("answers");
  await visit(page, "/clusters/hut");
  await page.getByRole("button", { name: "Remove hut" }).click();
  await confirmDeletion(page, "hut");
  await expect(page).toHaveURL("/clusters");
});
