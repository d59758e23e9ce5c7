// Creates and deletes the objects that the scenes show: a second cluster, domains, certificates, hosts
// and a container whose creation failed.

import { trackHydration, visit } from "./hydration.mjs";
import { Agent } from "./agent.mjs";
import { createCertificate } from "./test-certificates.mjs";
import { Simulator } from "./simulator.mjs";

export const SHOP = "shop.example.net";
export const WILD = "wild.example.net";
export const HOSTS = "/sites/lab/hosts";
const MISSING_IMAGE = "ghcr.io/example/nothing-here:v1";

/** A second cluster in addition to the demo's. */
export let secondCluster;
/** A certificate that expires in a few days. */
let expiring;
/** The agents of the joined hosts. */
const agents = [];

/** Creates the objects of the scenes and returns the users' sessions. */
export async function prepare(server, browser) {
  const sessions = {
    anonymous: undefined,
    administrator: await server.signIn(server.administrator),
    member: await server.signIn(await server.addUser("mira")),
  };
  const context = await openContext(browser, server, sessions.administrator);
  const page = await context.newPage();
  secondCluster = await Simulator.start();
  await visit(page, "/clusters/new");
  await fillClusterForm(page, "home");
  await page.getByRole("button", { name: "Add cluster" }).click();
  await page.getByRole("heading", { level: 1, name: "home" }).waitFor();
  await visit(page, "/domains/new");
  await page.getByLabel("Domain", { exact: true }).fill(SHOP);
  await page.getByLabel("Who can publish", { exact: true }).selectOption("Selected users");
  await page.getByLabel("Users", { exact: true }).fill("admin mira");
  await page.getByLabel(/^Sign-in/).fill("https://login.example.net");
  await page.getByLabel(/^Enforce HTTPS/).selectOption("below");
  await page.getByRole("button", { name: "Create domain" }).click();
  await page.getByRole("heading", { level: 1, name: SHOP }).waitFor();
  await prepareLimits(page);
  await prepareCertificates(page);
  await submitContainer(page, "nowhere", MISSING_IMAGE);
  await page.getByText("View job").waitFor();
  await visit(page, "/containers");
  // The demo's containers are created at the first start.
  for (const name of ["db", "shell", "wiki"]) {
    const row = page.getByRole("row").filter({ has: page.getByRole("link", { name, exact: true }) });
    await row.getByText("running", { exact: true }).waitFor({ timeout: 60_000 });
  }
  await prepareHosts(page);
  await context.close();
  return sessions;
}

/** Stops and deletes everything that `prepare` created, so that it can run again. */
export async function cleanUp(server, browser, sessions) {
  try {
    // Stop polling first, since the deletion fails pending requests.
    for (const agent of agents.splice(0)) await agent.stop();
    await removeObjects(server, browser, sessions);
  } finally {
    await secondCluster?.stop();
  }
}

async function removeObjects(server, browser, sessions) {
  const context = await openContext(browser, server, sessions.administrator);
  const page = await context.newPage();
  await visit(page, "/clusters/home/settings");
  await page.getByRole("button", { name: "Remove home" }).click();
  await confirmDeletion(page, "home", "Remove");
  await page.getByRole("heading", { level: 1, name: "Clusters" }).waitFor();
  for (const name of [SHOP, WILD]) {
    await openDomain(page, name, "settings");
    await page.getByRole("button", { name: `Delete ${name}` }).click();
    await confirmDeletion(page, name);
    await page.getByRole("heading", { level: 1, name: "Domains" }).waitFor();
  }
  for (const [path, title] of [["/authorities/internal-ca", "Certificate authorities"], ["/providers/dns", "DNS providers"]]) {
    await visit(page, path);
    const name = path.split("/")[2];
    await page.getByRole("button", { name: `Delete ${name}` }).click();
    await confirmDeletion(page, name);
    await page.getByRole("heading", { level: 1, name: title }).waitFor();
  }
  // The DHCP server is deleted last.
  for (const name of ["edge-3", "edge-2", "edge-1"]) {
    await visit(page, `${HOSTS}/${name}/settings`);
    await page.getByRole("button", { name: `Delete ${name}` }).click();
    await confirmDeletion(page, name);
    await page.getByRole("heading", { level: 1, name: "Hosts" }).waitFor();
  }
  await context.close();
}

/** Adds a host and returns the join token. */
async function addHost(page, name) {
  await visit(page, "/hosts/new");
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByRole("button", { name: "Add host" }).click();
  return page.locator("[data-join-token]").textContent();
}

/** Creates three hosts: one with a quarantined service, one that waits to take over DHCP, and one
 *  that has not joined. */
async function prepareHosts(page) {
  // The demo's host would take part in the DHCP handover.
  await visit(page, `${HOSTS}/demo-edge/settings`);
  await page.getByRole("button", { name: "Delete demo-edge" }).click();
  await confirmDeletion(page, "demo-edge");
  await page.getByRole("heading", { level: 1, name: "Hosts" }).waitFor();
  const active = await Agent.join(await addHost(page, "edge-1"), "10.20.0.2");
  const waiting = await Agent.join(await addHost(page, "edge-2"), "10.20.0.3");
  agents.push(active, waiting);
  await addHost(page, "edge-3");
  await active.poll();
  const service = active.config.config.domains.flatMap(({ services }) => services)[0];
  const message = "nginx: [emerg] host not found in upstream in /var/lib/holdfast-agent/live/nginx/services";
  const reason = "The private key does not match the certificate.";
  const unservable_certificates = [{ certificate: expiring.fingerprint, reason }];
  await active.report("live", service ? [{ part: { service: service.id }, message }] : [], { unservable_certificates });
  await visit(page, `${HOSTS}/edge-2/settings`);
  await page.getByRole("button", { name: "Make this the DHCP server" }).click();
  await page.getByText("This host takes over DHCP").waitFor();
  await waiting.poll();
  waiting.run();
  const conf = "# Generated by Holdfast. Manual changes are overwritten.\n\n# Serves only the site's network.\ninterface=eth1\nexcept-interface=lo\nbind-interfaces\n";
  await active.reportFiles({ "dnsmasq/dnsmasq.conf": conf, "nginx/services/old.lab.example.org.conf": "server { listen 80; }\n" });
}

/** Creates an unreachable CA and DNS provider, a domain that uses them, and uploaded certificates. */
async function prepareCertificates(page) {
  await visit(page, "/authorities/new");
  await page.getByLabel("Certificate authority", { exact: true }).selectOption("Custom");
  await page.getByLabel("Directory", { exact: true }).fill("https://127.0.0.1:1/dir");
  await page.getByLabel("Name", { exact: true }).fill("internal-ca");
  await page.getByRole("button", { name: "Add certificate authority" }).click();
  await page.getByRole("heading", { level: 1, name: "internal-ca" }).waitFor();
  await visit(page, "/providers/new");
  await page.getByLabel("Kind", { exact: true }).selectOption("Name server (RFC 2136)");
  await page.getByLabel("Name", { exact: true }).fill("dns");
  await page.getByLabel("Name server", { exact: true }).fill("127.0.0.1:1");
  await page.getByLabel("Zone", { exact: true }).fill("example.net");
  await page.getByLabel("Key name", { exact: true }).fill("holdfast");
  await page.getByLabel("Secret", { exact: true }).fill("c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IQ==");
  await page.getByRole("button", { name: "Add DNS provider" }).click();
  await page.getByRole("heading", { level: 1, name: "dns" }).waitFor();
  await visit(page, "/domains/new");
  await page.getByLabel("Domain", { exact: true }).fill(WILD);
  await page.getByLabel("Certificate source", { exact: true }).selectOption("ACME wildcard (DNS-01)");
  await page.getByLabel("DNS provider", { exact: true }).selectOption("dns");
  await page.getByRole("button", { name: "Create domain" }).click();
  await page.getByRole("heading", { level: 1, name: WILD }).waitFor();
  expiring = createCertificate([`*.${SHOP}`, SHOP], { since: 100, days: 5 });
  await upload(page, expiring);
  await upload(page, createCertificate([`www.${SHOP}`, `docs.${SHOP}`]));
}

/** Uploads a certificate for names under the shop's domain. */
async function upload(page, { chain, key }) {
  await visit(page, "/certificates/new");
  await page.getByLabel("Domain", { exact: true }).selectOption({ label: `${SHOP} (lab)` });
  await page.getByLabel("Certificate and chain", { exact: true }).fill(chain);
  await page.getByLabel("Private key", { exact: true }).fill(key);
  await page.getByRole("button", { name: "Upload certificate" }).click();
  await page.getByRole("heading", { name: "History" }).waitFor();
}

/** Confirms the deletion dialog. The verb is "Remove" for a cluster. */
async function confirmDeletion(page, name, verb = "Delete") {
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("textbox").fill(name);
  await dialog.getByRole("button", { name: `${verb} ${name}` }).click();
}

/** Fills in the form of a cluster and confirms the fingerprint. */
export async function fillClusterForm(page, name) {
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Node address").fill(secondCluster.url);
  await page.getByLabel("User or API token").fill("root@pam");
  await page.getByLabel("Secret").fill(secondCluster.password);
  await page.getByRole("button", { name: "Fetch certificate" }).click();
  await page.getByLabel("The fingerprint matches").check();
}

/** Opens a domain's page, or one of its tabs. */
export async function openDomain(page, name, tab) {
  await visit(page, "/domains");
  await page.getByRole("link", { name, exact: true }).click();
  await page.getByRole("heading", { level: 1, name }).waitFor();
  if (tab) await visit(page, `${new URL(page.url()).pathname}/${tab}`);
}

export async function submitContainer(page, name, image) {
  await visit(page, "/containers/new");
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Template or image").fill(image);
  await page.getByRole("button", { name: "Create container" }).click();
  await page.getByRole("heading", { level: 1, name }).waitFor();
}

/** Sets the member's four limits to long values, for the layout of the list of users. */
async function prepareLimits(page) {
  await visit(page, "/users/mira");
  await page.getByLabel(/^Containers/).fill("1000");
  await page.getByLabel(/^Cores/).fill("96");
  await page.getByLabel(/^Memory/).fill("100 GiB");
  await page.getByLabel(/^Disk/).fill("1000 GiB");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByText("Saved").first().waitFor();
}

/** A browser context for a user. */
export async function openContext(browser, server, storageState) {
  const context = await browser.newContext({
    baseURL: server.url,
    storageState,
    locale: "en-GB",
    timezoneId: "UTC",
    reducedMotion: "reduce",
    viewport: { width: 1440, height: 900 },
  });
  await trackHydration(context);
  return context;
}
