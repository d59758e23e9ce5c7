import type { Page } from "@playwright/test";
import { Agent } from "../harness/agent.mjs";
import {
  confirmDeletion,
  containerPath,
  createContainer,
  markDocument,
  openTab,
  removeDemoEdge,
  row,
  expectSameDocument,
  visit,
} from "../harness/pages";
import { expect, test } from "../harness/test";

/** Adds a host to the site lab and returns the join token. */
async function addHost(page: Page, name: string): Promise<string> {
  await visit(page, "/hosts/new");
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByRole("button", { name: "Add host" }).click();
  await expect(page.getByRole("heading", { level: 1, name: `Install the agent on ${name}` })).toBeVisible();
  return (await page.locator("[data-join-token]").textContent()) ?? "";
}

/** The badges beside the host's name. */
const badges = (page: Page) => page.locator(".page-aside");

/** The publication state of a service on its container's page. */
const publication = (page: Page) => page.locator(".publication");

/** Deletes a host on its page. */
async function remove(page: Page, name: string): Promise<void> {
  await visit(page, `/sites/lab/hosts/${name}/settings`);
  await page.getByRole("button", { name: `Delete ${name}` }).click();
  await confirmDeletion(page, name);
  await expect(page).toHaveURL("/hosts");
  await expect(row(page, name)).toHaveCount(0);
}

/** Returns the generated files from the page's own server function. */
async function generatedFiles(page: Page): Promise<Record<string, string>> {
  const fetchFiles = async (path: string) => {
    const data = { site: "lab", name: "edge-1", query: { q: "", page: 1 }, path };
    const response = await page.request.post("/api/ui/hosts/browse-files", { data, headers: { "sec-fetch-site": "same-origin" } });
    return response.json();
  };
  const all = (await fetchFiles("")).files.list.page.rows as { path: string }[];
  const files = await Promise.all(all.map(async ({ path }) => [path, (await fetchFiles(path)).file.text]));
  return Object.fromEntries(files);
}

test.beforeEach(async ({ page }) => removeDemoEdge(page));

test("a host is added, its agent joins with the token, and pages update without a reload", async ({ page, open, server }) => {
  await visit(page, "/hosts");
  await expect(page.getByText("No hosts yet")).toBeVisible();
  await page.keyboard.press("c");
  await expect(page.getByRole("heading", { level: 1, name: "Add host" })).toBeVisible();
  const token = await addHost(page, "edge-1");
  expect(token).toMatch(/^http:\/\/localhost:\d+#[\w-]{43}$/);
  await expect(page.getByText("holdfast-agent join --interface eth1")).toBeVisible();
  await expect(page.getByText(/Valid for one join, for another (59|60) minutes\./)).toBeVisible();
  await expect(page.getByText("the token works only on this machine")).toBeVisible();
  await expect(page.getByText("edge-1 has not joined yet.")).toBeVisible();
  await markDocument(page);
  const list = await open(server.administrator);
  await visit(list, "/sites/lab/hosts/edge-1");
  await expect(list.getByText("holdfast-agent join --interface eth1")).toBeVisible();
  await visit(list, "/hosts");
  await expect(row(list, "edge-1").getByText("not joined", { exact: true })).toBeVisible();

  const agent = await Agent.join(token, "10.20.0.2");
  await expect(page.getByText("edge-1 has joined.")).toBeVisible();
  await expect(row(list, "edge-1").getByText("online", { exact: true })).toBeVisible();
  await expect(row(list, "edge-1")).toContainText("10.20.0.2, DHCP server");
  await page.getByRole("link", { name: "Open edge-1" }).click();
  await expect(page).toHaveURL("/sites/lab/hosts/edge-1");
  await expect(page.getByText("holdfast-agent join")).toHaveCount(0);
  await expect(badges(page)).toContainText("publishing");

  await agent.poll();
  await agent.report();
  await expect(badges(page)).toContainText("live");
  await expect(page.getByText(/^generation \d+, current$/)).toBeVisible();
  await agent.report({ refused: { message: "nginx: [emerg] no space left on device" } });
  await expect(badges(page)).toContainText("blocked");
  await expect(page.getByRole("region", { name: "Error message" })).toHaveText("nginx: [emerg] no space left on device");
  await agent.report();
  await expect(badges(page)).toContainText("live");
  await expectSameDocument(page);

  // The join token is shown once and works once.
  await visit(page, "/hosts/new");
  await expect(page.locator("[data-join-token]")).toHaveCount(0);
  await expect(Agent.join(token, "10.20.0.2")).rejects.toThrow("401");
  await visit(list, "/sites/lab");
  await expect(row(list, "edge-1")).toBeVisible();
  await expect(list.getByText("DNS servers", { exact: true })).toBeVisible();
  await agent.stop();
  await remove(page, "edge-1");
});

test("each service shows its publication state and the reason if it is blocked", async ({ page }) => {
  await createContainer(page, "shown");
  await visit(page, containerPath("shown", "services"));
  await expect(publication(page).first()).toContainText("blocked");
  await expect(publication(page).first()).toContainText("No host of the site lab has joined");
  const token = await addHost(page, "edge-1");
  const agent = await Agent.join(token, "10.20.0.2");
  await visit(page, containerPath("shown", "services"));
  await markDocument(page);
  await expect(publication(page).first()).toHaveText("publishing");
  await agent.poll();
  await agent.report();
  await expect(publication(page).first()).toHaveText("live");
  const service = agent.config.config.domains[0].services.find(
    ({ label }: { label: string }) => label === "shown",
  );
  await agent.report("live", [{ part: { service: service.id }, message: "[emerg] host not found in upstream" }]);
  await expect(publication(page).first()).toContainText("edge-1: [emerg] host not found in upstream");
  await expectSameDocument(page);
  await visit(page, "/sites/lab/hosts/edge-1");
  await expect(page.getByRole("link", { name: "A service of shown" })).toBeVisible();
  await agent.stop();
  await remove(page, "edge-1");
});

test("the files of a host are shown with their differences", async ({ page }) => {
  const agent = await Agent.join(await addHost(page, "edge-1"), "10.20.0.2");
  await visit(page, "/sites/lab/hosts/edge-1/files");
  await expect(page.getByText("The agent has not reported the live files yet.")).toBeVisible();
  await markDocument(page);
  const files = await generatedFiles(page);
  const expected = files["dnsmasq/dnsmasq.conf"];
  await agent.reportFiles({ ...files, "dnsmasq/dnsmasq.conf": expected.replace("cache-size=10000", "cache-size=150") });
  await expect(page.getByText("1 differs from the live file.")).toBeVisible();
  await page.getByRole("link", { name: "dnsmasq/dnsmasq.conf" }).click();
  const changes = page.getByRole("region", { name: "Changes" });
  await expect(changes.getByRole("insertion")).toHaveText("+cache-size=10000");
  await expect(changes.getByRole("deletion")).toHaveText("−cache-size=150");
  await expect(page.getByRole("region", { name: "Content" })).toContainText("Generated by Holdfast.");
  await agent.reportFiles(files);
  await expect(page.getByText("The live file matches the desired configuration.")).toBeVisible();
  await expectSameDocument(page);
  await page.getByRole("link", { name: "All files" }).click();
  await page.getByRole("searchbox", { name: "Path" }).fill("nginx.conf");
  await expect(page).toHaveURL("/sites/lab/hosts/edge-1/files?q=nginx.conf");
  await expect(page.getByRole("link", { name: "nginx/nginx.conf" })).toBeVisible();
  await expect(page.getByRole("link", { name: "dnsmasq/dnsmasq.conf" })).toHaveCount(0);
  await agent.stop();
  await remove(page, "edge-1");
});

test("DHCP moves after the other host has stopped, or by force", async ({ page }) => {
  const first = await Agent.join(await addHost(page, "edge-1"), "10.20.0.2");
  const second = await Agent.join(await addHost(page, "edge-2"), "10.20.0.3");
  await second.poll();
  await second.report();
  await visit(page, "/sites/lab/hosts/edge-1/settings");
  await expect(page.getByText("Make another host the DHCP server first, or delete the other hosts.")).toBeVisible();
  await visit(page, "/sites/lab/hosts/edge-2");
  await expect(page.getByRole("link", { name: "edge-1", exact: true })).toBeVisible();
  await markDocument(page);
  await openTab(page, "Settings");
  await expect(page).toHaveURL("/sites/lab/hosts/edge-2/settings");
  await page.getByRole("button", { name: "Make this the DHCP server" }).click();
  await expect(page.getByText("This host takes over DHCP once the current server stops.")).toBeVisible();
  await first.poll();
  expect(first.config.config.network.dhcp).toBeNull();
  await first.report();
  await expect(page.getByText("This host is the DHCP server of the site.")).toBeVisible();
  await expectSameDocument(page);

  // Move DHCP back without waiting for the other host.
  await visit(page, "/sites/lab/hosts/edge-1/settings");
  await page.getByRole("button", { name: "Make this the DHCP server" }).click();
  await page.getByRole("button", { name: "Take over now" }).click();
  const dialog = page.getByRole("dialog", { name: "Take over DHCP on edge-1 now?" });
  await expect(dialog).toContainText("two hosts lease the same addresses");
  await expect(dialog.getByRole("button", { name: "Keep waiting" })).toBeFocused();
  await dialog.getByRole("textbox").fill("edge-1");
  await dialog.getByRole("button", { name: "Take over now" }).click();
  await expect(page.getByText("This host is the DHCP server of the site.")).toBeVisible();
  await remove(page, "edge-2");

  // A new join token revokes the old key.
  await visit(page, "/sites/lab/hosts/edge-1/settings");
  await page.getByRole("button", { name: "New join token" }).click();
  const token = await page.locator("[data-join-token]").textContent();
  await expect(first.poll()).rejects.toThrow("401");
  const rejoined = await Agent.join(token ?? "", "10.20.0.4");
  await openTab(page, "Overview");
  await expect(page.getByText("10.20.0.4", { exact: true })).toBeVisible();
  await rejoined.stop();
  await remove(page, "edge-1");
});

test("an operator adds and deletes a host", async ({ server, open }) => {
  const olga = await open(await server.addUser("olga", "operator"));
  await visit(olga, "/containers");
  await olga.getByRole("link", { name: "Hosts", exact: true }).first().click();
  await addHost(olga, "edge-9");
  await remove(olga, "edge-9");
});
