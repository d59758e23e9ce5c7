// Creates a site in the lab through the browser and joins its edge host. Used by the journey, the
// benchmark and the interactive lab.

import { chromium } from "playwright-core";
import { launchOptions } from "../harness/browser.mjs";
import { trackHydration, visit } from "../harness/hydration.mjs";
import { lab, runOn } from "./lab.mjs";

/** A template of the simulated cluster. Its services in the lab are defined in `crates/lab`. */
export const TEMPLATE = "debian-13-standard_13.1-2_amd64.tar.zst";

/** The site's own domain with the hostnames of its hosts. */
export const DOMAIN = "lab.internal";
/** The domain under which HTTP services are published. All its names resolve to the edge host. */
export const PUBLIC = "apps.example.org";
/** The edge host's address in the site's network. */
export const EDGE = "10.20.0.1";

/** The upstream resolver of the site's name server: the lab's own. */
const UPSTREAM_RESOLVER = "192.0.2.1";

const FIELDS = {
  Name: "lab",
  Domain: DOMAIN,
  Network: "10.20.0.0/16",
  Gateway: EDGE,
  "Addresses for containers": "10.20.1.1-10.20.1.250",
  "External ports": "4000-4099",
  VMIDs: "5000-5099",
};
/** Optional fields. */
const OPTIONAL_FIELDS = {
  "Addresses for other machines": "10.20.9.10-10.20.9.99",
  "Upstream DNS servers": UPSTREAM_RESOLVER,
};

/** Signs in as the first administrator. */
export async function signIn(page) {
  await page.goto("/sign-in");
  await page.getByLabel("Username").fill(lab.administrator.name);
  await page.getByLabel("Password").fill(lab.administrator.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { level: 1, name: "Containers" }).waitFor();
}

/** Adds the simulated cluster and compares its fingerprint. */
export async function addCluster(page) {
  await visit(page, "/clusters/new");
  await page.getByLabel("Name", { exact: true }).fill("cabin");
  await page.getByLabel("Node address").fill(lab.simulator.url);
  await page.getByLabel("User or API token").fill("root@pam");
  await page.getByLabel("Secret").fill(lab.simulator.password);
  await page.getByRole("button", { name: "Fetch certificate" }).click();
  await page.getByText(lab.simulator.fingerprint, { exact: true }).waitFor();
  await page.getByLabel("The fingerprint matches").check();
  await page.getByRole("button", { name: "Add cluster" }).click();
  await page.getByText("vmbr0", { exact: true }).waitFor();
}

/** Creates the site. The form fills in the cluster's resources once they are loaded. */
export async function addSite(page) {
  await visit(page, "/sites/new");
  for (const [label, value] of Object.entries(FIELDS)) {
    await page.getByLabel(label, { exact: true }).fill(value);
  }
  for (const [label, value] of Object.entries(OPTIONAL_FIELDS)) await page.getByLabel(label).fill(value);
  await page.getByLabel("Cluster", { exact: true }).selectOption({ label: "cabin" });
  const bridge = await page.getByLabel("Bridge").elementHandle();
  await page.waitForFunction((field) => field.value === "vmbr0", bridge);
  await page.getByRole("button", { name: "Create site" }).click();
  await page.waitForURL("**/sites/lab");
}

/** Creates a domain for HTTP services. `fillOptional` fills in further fields. */
export async function addDomain(page, name = PUBLIC, fillOptional = async () => {}) {
  await visit(page, "/domains/new");
  await page.getByLabel("Domain", { exact: true }).fill(name);
  await fillOptional();
  await page.getByRole("button", { name: "Create domain" }).click();
  await page.getByRole("heading", { level: 1, name }).waitFor();
}

/** Adds a CA of the lab. */
export async function addAuthority(page, name, { directory }) {
  await visit(page, "/authorities/new");
  await page.getByLabel("Certificate authority", { exact: true }).selectOption({ label: "Custom" });
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Directory", { exact: true }).fill(directory);
  await page.getByText("Custom root certificates").click();
  await page.getByLabel("Certificates").fill(lab.authorities.roots);
  await page.getByRole("button", { name: "Add certificate authority" }).click();
  await page.getByRole("heading", { level: 1, name }).waitFor();
}

/** Adds a host and returns its join token. */
async function addHost(page) {
  await visit(page, "/hosts/new");
  await page.getByRole("button", { name: "Add host" }).click();
  const token = await page.locator("[data-join-token]").textContent();
  await page.getByText("edge-1 has not joined yet.").waitFor();
  return token;
}

/** Joins the edge host with a join token and waits until dnsmasq runs. */
export async function join(token) {
  await runOn("edge", `${lab.agent} join --interface eth1`, token);
  await runOn("edge", "timeout 60 sh -c 'until pgrep dnsmasq; do sleep 0.05; done'");
}

/** Requests a DHCP lease on the client. */
export async function requestLease() {
  await runOn("client", "dhclient -4 -1 -q eth0 2>/dev/null");
}

/** Creates everything that is needed before the first container. */
export async function buildSite(page) {
  await addCluster(page);
  await addSite(page);
  await addDomain(page);
  await join(await addHost(page));
  await page.getByText("edge-1 has joined.").waitFor();
}

/** Creates the site in a browser of its own, and calls `use` with the browser's page. */
export async function withSite(use = async () => {}) {
  const browser = await chromium.launch(launchOptions());
  try {
    const context = await browser.newContext({ baseURL: lab.url, ignoreHTTPSErrors: true });
    await trackHydration(context);
    const page = await context.newPage();
    await signIn(page);
    await buildSite(page);
    await requestLease();
    await use(page);
  } finally {
    await browser.close();
  }
}
