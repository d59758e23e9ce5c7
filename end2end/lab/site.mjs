// A site in the lab, made in the browser as a person makes it, and its edge host joined. Used by
// the journey, by what is measured, and for whoever starts the lab to look around.

import { visit } from "../harness/alive.mjs";
import { lab, on } from "./lab.mjs";

/** A template of the simulated cluster, and what it serves in the lab: see `crates/lab`. */
export const TEMPLATE = "debian-13-standard_13.1-2_amd64.tar.zst";

/** The site's own domain, whose names are those of its hosts. */
export const DOMAIN = "lab.internal";
/** The domain under which web pages are published. The lab's names all lead to the edge host. */
export const PUBLIC = "apps.example.org";
/** The edge host in the site's network. */
export const EDGE = "10.20.0.1";

/** Whom the site's name server asks for all other names: the lab's own, outside. */
const OUTSIDE = "192.0.2.1";

const FIELDS = {
  Name: "lab",
  Domain: DOMAIN,
  Network: "10.20.0.0/16",
  Gateway: EDGE,
  "Addresses for containers": "10.20.1.1-10.20.1.250",
  "External ports": "4000-4099",
  Numbers: "5000-5099",
};
/** Fields whose label says that they may be empty. */
const MORE = {
  "Addresses for other machines": "10.20.9.10-10.20.9.99",
  "Name servers for other names": OUTSIDE,
};

/** Signs in as the first administrator. */
export async function signIn(page) {
  await page.goto("/sign-in");
  await page.getByLabel("Name").fill(lab.administrator.name);
  await page.getByLabel("Password").fill(lab.administrator.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { level: 1, name: "Containers" }).waitFor();
}

/** Adds the simulated cluster, its certificate compared with what the node says. */
export async function addCluster(page) {
  await visit(page, "/clusters/new");
  await page.getByLabel("Name", { exact: true }).fill("cabin");
  await page.getByLabel("Address of a node").fill(lab.simulator.url);
  await page.getByLabel("User or token").fill("root@pam");
  await page.getByLabel("Secret").fill(lab.simulator.password);
  await page.getByRole("button", { name: "Look at the certificate" }).click();
  await page.getByText(lab.simulator.fingerprint, { exact: true }).waitFor();
  await page.getByLabel("I compared it: it is the same").check();
  await page.getByRole("button", { name: "Add cabin" }).click();
  await page.getByText("vmbr0", { exact: true }).waitFor();
}

/** Makes the site. What the cluster has is filled in by itself once it has said so. */
export async function addSite(page) {
  await visit(page, "/sites/new");
  for (const [label, value] of Object.entries(FIELDS)) {
    await page.getByLabel(label, { exact: true }).fill(value);
  }
  for (const [label, value] of Object.entries(MORE)) await page.getByLabel(label).fill(value);
  await page.getByLabel("Cluster", { exact: true }).selectOption({ label: "cabin" });
  const bridge = await page.getByLabel("Bridge").elementHandle();
  await page.waitForFunction((field) => field.value === "vmbr0", bridge);
  await page.getByRole("button", { name: "Create lab" }).click();
  await page.waitForURL("**/sites/lab");
}

/** Makes a domain under which web pages are published; `more` fills in more of its form. */
export async function addDomain(page, name = PUBLIC, more = async () => {}) {
  await visit(page, "/domains/new");
  await page.getByLabel("Domain", { exact: true }).fill(name);
  await more();
  await page.getByRole("button", { name: `Create ${name}` }).click();
  await page.getByRole("heading", { level: 1, name }).waitFor();
}

/** Adds an authority of the lab's own. */
export async function addAuthority(page, name, { directory }) {
  await visit(page, "/authorities/new");
  await page.getByLabel("Authority", { exact: true }).selectOption({ label: "Another one" });
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Directory", { exact: true }).fill(directory);
  await page.getByText("Roots of your own").click();
  await page.getByLabel("Certificates").fill(lab.authorities.roots);
  await page.getByRole("button", { name: `Add ${name}` }).click();
  await page.getByRole("heading", { level: 1, name }).waitFor();
}

/** Invites an agent and gives the code that is shown once. */
async function invite(page) {
  await visit(page, "/agents/new");
  await page.getByRole("button", { name: "Invite edge-1" }).click();
  const code = await page.locator("[data-join-code]").textContent();
  await page.getByText("edge-1 has not joined yet.").waitFor();
  return code;
}

/** Has the edge host join with a code, and waits until it serves. */
export async function join(code) {
  await on("edge", `${lab.agent} join --interface eth1`, code);
  await on("edge", "timeout 60 sh -c 'until pgrep dnsmasq; do sleep 0.05; done'");
}

/** Has the client ask for an address, as any machine in the network does. */
export async function lease() {
  await on("client", "dhclient -4 -1 -q eth0 2>/dev/null");
}

/** Everything that is there before the first container. */
export async function build(page) {
  await addCluster(page);
  await addSite(page);
  await addDomain(page);
  await join(await invite(page));
  await page.getByText("edge-1 has joined.").waitFor();
}
