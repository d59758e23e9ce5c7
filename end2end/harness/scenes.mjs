// All pages in all their states. The screenshots and the axe checks use the same scenes.

import { visit } from "./hydration.mjs";
import { createCertificate } from "./test-certificates.mjs";
import { HOSTS, SHOP, WILD, submitContainer, fillClusterForm, openDomain, secondCluster } from "./scene-objects.mjs";

/** Supported widths: phone, tablet, desktop. */
export const WIDTHS = [360, 768, 1440];
export const THEMES = ["light", "dark"];

const WIKI = "/sites/lab/containers/wiki";

/** A scene with its level-1 heading, the user and the HTTP status. `refused` is the path of the server function that
 *  rejects its form. `running` is set if the scene shows a running job. */
const scene = (name, heading, setUp, { user = "administrator", status = 200, refused, running = false } = {}) => ({
  name,
  heading,
  user,
  status,
  refused,
  running,
  setUp,
});

/** A scene that is reached by a path. */
const pathScene = (name, path, heading, options = {}) =>
  scene(name, heading, (page) => (options.user === "anonymous" ? page.goto(path) : visit(page, path)), options);

export const SCENES = [
  pathScene("sign-in", "/sign-in", "Sign in", { user: "anonymous" }),
  scene("sign-in-refused", "Sign in", rejectedSignIn, { user: "anonymous", status: 401 }),
  pathScene("containers", "/containers", "Containers"),
  pathScene("containers-no-match", "/containers?q=nothing-is-called-this", "Containers"),
  pathScene("containers-empty", "/containers", "Containers", { user: "member" }),
  scene("containers-selected", "Containers", async (page) => {
    await visit(page, "/containers");
    await page.getByRole("checkbox", { name: "Select wiki" }).check();
    await page.getByRole("toolbar").waitFor();
  }),
  scene("containers-menu", "Containers", async (page) => {
    await visit(page, "/containers");
    await page.getByRole("button", { name: "Actions for wiki" }).click();
  }),
  pathScene("container-new", "/containers/new", "New container"),
  scene("container-new-refused", "New container", rejectedContainer),
  pathScene("container-overview", WIKI, "wiki"),
  pathScene("container-services", `${WIKI}/services`, "wiki"),
  scene("container-services-more", "wiki", async (page) => {
    await visit(page, `${WIKI}/services`);
    await page.getByRole("button", { name: "Add port" }).click();
    const record = page.getByRole("group", { name: "Service 2" });
    await record.getByLabel("Kind").selectOption("SRV record");
    await page.getByRole("button", { name: "Add port" }).click();
    for (const fold of await page.getByText("Publishing options").all()) await fold.click();
    await page.getByRole("group", { name: "Service 3" }).getByLabel("TLS", { exact: true }).check();
  }),
  pathScene("container-environment", `${WIKI}/environment`, "wiki"),
  pathScene("container-jobs", `${WIKI}/jobs`, "wiki"),
  pathScene("container-settings", `${WIKI}/settings`, "wiki"),
  scene("container-delete", "wiki", async (page) => {
    await visit(page, `${WIKI}/settings`);
    await page.getByRole("button", { name: "Delete wiki" }).click();
    await page.getByRole("dialog").waitFor();
  }),
  pathScene("container-failed", "/sites/lab/containers/nowhere", "nowhere"),
  pathScene("jobs", "/jobs", "Jobs"),
  pathScene("jobs-no-match", "/jobs?q=nothing-is-called-this", "Jobs"),
  pathScene("jobs-empty", "/jobs", "Jobs", { user: "member" }),
  scene("job-done", "Create wiki", (page) => openJob(page, "Create wiki")),
  scene("job-failed", "Create nowhere", async (page) => {
    await openJob(page, "Create nowhere");
    await page.getByText("Error message").click();
  }),
  pathScene("nodes", "/nodes", "Nodes"),
  pathScene("clusters", "/clusters", "Clusters"),
  scene("cluster-new", "Add cluster", async (page) => {
    await visit(page, "/clusters/new");
    await fillClusterForm(page, "attic");
  }),
  scene("cluster", "home", async (page) => {
    await visit(page, "/clusters/home");
    await page.getByText("vmbr0", { exact: true }).waitFor();
  }),
  scene("cluster-import", "home", async (page) => {
    await visit(page, "/clusters/home/import");
    await page.getByRole("checkbox").first().waitFor();
  }),
  scene("cluster-settings", "home", async (page) => {
    await visit(page, "/clusters/home/settings");
    await page.getByText("Trusted fingerprint").waitFor();
  }),
  // All later scenes run without requests to this cluster.
  scene("cluster-changed", "home", async (page) => {
    await visit(page, "/clusters");
    await secondCluster.post("conditions", { certificate: "renew" });
    await page.getByText("certificate changed").waitFor();
    await visit(page, "/clusters/home");
    await page.getByText("Holdfast sends no requests").waitFor();
  }),
  pathScene("sites", "/sites", "Sites"),
  pathScene("site-new", "/sites/new", "New site"),
  pathScene("site", "/sites/lab", "lab"),
  pathScene("site-settings", "/sites/lab/settings", "lab"),
  pathScene("domains", "/domains", "Domains"),
  scene("domain-new", "New domain", async (page) => {
    await visit(page, "/domains/new");
    await page.getByLabel("Domain", { exact: true }).fill("attic.example.net");
    await page.getByLabel("Who can publish", { exact: true }).selectOption("Selected users");
    await page.getByLabel("Certificate source", { exact: true }).selectOption("ACME wildcard (DNS-01)");
    await page.getByLabel("DNS provider", { exact: true }).selectOption("dns");
    await page.getByLabel("Manage address records").check();
  }),
  scene("domain-new-refused", "New domain", async (page) => {
    await visit(page, "/domains/new");
    await page.getByLabel("Domain", { exact: true }).fill("*.example.net");
    await page.getByLabel(/^Sign-in/).fill("login");
    await page.getByRole("button", { name: /^Create/ }).click();
    await page.getByRole("heading", { name: "Some fields are invalid" }).waitFor();
  }),
  scene("domain", SHOP, (page) => openDomain(page, SHOP)),
  scene("domain-certificates", SHOP, (page) => openDomain(page, SHOP, "certificates")),
  scene("domain-settings", SHOP, (page) => openDomain(page, SHOP, "settings")),
  scene("domain-failed", WILD, (page) => openDomain(page, WILD)),
  scene("domain-certificates-failed", WILD, (page) => openDomain(page, WILD, "certificates")),
  scene("domain-delete", SHOP, async (page) => {
    await openDomain(page, SHOP, "settings");
    await page.getByRole("button", { name: `Delete ${SHOP}` }).click();
    await page.getByRole("dialog").waitFor();
  }),
  pathScene("certificates", "/certificates", "Certificates"),
  pathScene("certificates-no-match", "/certificates?q=nothing-is-called-this", "Certificates"),
  scene("certificate-new", "Upload certificate", async (page) => {
    await visit(page, "/certificates/new");
    await page.getByLabel("Domain", { exact: true }).selectOption({ label: `${WILD} (lab)` });
  }),
  scene("certificate-new-refused", "Upload certificate", async (page) => {
    await visit(page, "/certificates/new");
    const { chain } = createCertificate(["www.example.com"]);
    await page.getByLabel("Certificate and chain", { exact: true }).fill(chain);
    await page.getByLabel("Private key", { exact: true }).fill(createCertificate(["www.example.com"]).key);
    await page.getByRole("button", { name: "Upload certificate" }).click();
    await page.getByRole("heading", { name: "Some fields are invalid" }).waitFor();
  }, { refused: "/api/ui/certificates/upload" }),
  scene("certificate", `*.${SHOP}`, (page) => openCertificate(page, `*.${SHOP}`)),
  scene("certificate-failed", `*.${WILD}`, async (page) => {
    await openCertificate(page, `*.${WILD}`);
    await page.getByRole("region", { name: "Issuance failure" }).waitFor();
  }),
  scene("certificate-delete", `*.${SHOP}`, async (page) => {
    await openCertificate(page, `*.${SHOP}`);
    await page.getByRole("button", { name: `Delete *.${SHOP}` }).click();
    await page.getByRole("dialog").waitFor();
  }),
  pathScene("authorities", "/authorities", "Certificate authorities"),
  scene("authority-new", "Add certificate authority", async (page) => {
    await visit(page, "/authorities/new");
    await page.getByLabel("Certificate authority", { exact: true }).selectOption("ZeroSSL");
    await page.getByText("Custom root certificates").click();
  }),
  scene("authority-new-refused", "Add certificate authority", async (page) => {
    await visit(page, "/authorities/new");
    await page.getByLabel("Certificate authority", { exact: true }).selectOption("Custom");
    await page.getByLabel(/^Email/).fill("admin");
    await page.getByRole("button", { name: /^Add/ }).click();
    await page.getByRole("heading", { name: "Some fields are invalid" }).waitFor();
  }),
  pathScene("authority", "/authorities/internal-ca", "internal-ca"),
  pathScene("providers", "/providers", "DNS providers"),
  pathScene("provider-new", "/providers/new", "Add DNS provider"),
  scene("provider-new-acme-dns", "Add DNS provider", async (page) => {
    await visit(page, "/providers/new");
    await page.getByLabel("Kind", { exact: true }).selectOption("acme-dns");
    await page.getByRole("button", { name: /^Add/ }).click();
    await page.getByRole("heading", { name: "Some fields are invalid" }).waitFor();
  }),
  scene("provider", "dns", async (page) => {
    await visit(page, "/providers/dns");
    await page.getByRole("button", { name: "Test", exact: true }).click();
    await page.getByRole("list", { name: "Test results" }).waitFor();
  }),
  pathScene("hosts", "/hosts", "Hosts"),
  scene("host-new", "Add host", async (page) => {
    await visit(page, "/hosts/new");
    await page.getByLabel("Name", { exact: true }).fill("Not a name!");
    await page.getByRole("button", { name: /^Add/ }).click();
    await page.getByRole("heading", { name: "Some fields are invalid" }).waitFor();
  }),
  scene("host-token", "edge-3", async (page) => {
    await visit(page, `${HOSTS}/edge-3/settings`);
    await page.getByRole("button", { name: "New join token" }).click();
    await page.getByText("edge-3 has not joined yet.").waitFor();
  }),
  pathScene("host", `${HOSTS}/edge-1`, "edge-1"),
  pathScene("host-settings", `${HOSTS}/edge-1/settings`, "edge-1"),
  pathScene("host-next", `${HOSTS}/edge-2`, "edge-2"),
  pathScene("host-next-settings", `${HOSTS}/edge-2/settings`, "edge-2"),
  scene("host-force", "edge-2", async (page) => {
    await visit(page, `${HOSTS}/edge-2/settings`);
    await page.getByRole("button", { name: "Take over now" }).click();
    await page.getByRole("dialog").waitFor();
  }),
  pathScene("host-not-joined", `${HOSTS}/edge-3`, "edge-3"),
  pathScene("host-files", `${HOSTS}/edge-1/files`, "edge-1"),
  pathScene("host-files-none", `${HOSTS}/edge-3/files`, "edge-3"),
  pathScene("host-file", `${HOSTS}/edge-1/files?path=dnsmasq%2Fdnsmasq.conf`, "edge-1"),
  pathScene("users", "/users", "Users"),
  pathScene("user-new", "/users/new", "New user"),
  pathScene("user", "/users/mira", "mira"),
  pathScene("invitations", "/invitations", "Invitations"),
  pathScene("invitation-new", "/invitations/new", "Invite a person"),
  scene("palette", "Containers", async (page) => {
    await visit(page, "/containers");
    await page.keyboard.press("Control+k");
    await page.keyboard.type("wik");
    await page.getByRole("option", { name: /wiki/ }).waitFor();
  }),
  scene("own-menu", "Containers", async (page) => {
    await visit(page, "/containers");
    await page.getByRole("button", { name: /account menu$/ }).click();
  }),
  pathScene("account", "/account", "Account"),
  scene("account-refused", "Account", async (page) => {
    await visit(page, "/account");
    await page.getByLabel("Current password").fill("not my password");
    await page.getByLabel("New password").fill("a second password");
    await page.getByRole("button", { name: "Change password" }).click();
    await page.getByRole("alert").filter({ hasText: "Some fields are invalid" }).waitFor();
  }, { user: "member", refused: "/api/ui/account/change-password" }),
  pathScene("not-found", "/nothing", "Not found", { status: 404 }),
  pathScene("not-allowed", "/users", "Not allowed", { user: "member", status: 403 }),
  // These scenes create a container each time, so they come last.
  scene("container-creating", /^spring-\d+$/, (page) => submitContainer(page, `spring-${++createdCount}`, "docker.io/library/redis:7"), {
    running: true,
  }),
  scene("job-running", /^Create summer-\d+$/, async (page) => {
    await submitContainer(page, `summer-${++createdCount}`, "docker.io/library/postgres:17");
    await page.getByRole("link", { name: "View job" }).click();
    await page.getByRole("progressbar", { name: /^Pull image/ }).waitFor();
  }, { running: true }),
];

/** Number of containers that the last scenes created. */
let createdCount = 0;

/** Opens a certificate's page. */
async function openCertificate(page, name) {
  await visit(page, "/certificates");
  await page.getByRole("row").getByRole("link", { name, exact: true }).click();
  await page.getByRole("heading", { level: 1, name, exact: true }).waitFor();
}

async function rejectedSignIn(page) {
  await page.goto("/sign-in");
  await page.getByLabel("Username").fill("unknown");
  await page.getByLabel("Password").fill("a guess");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").waitFor();
}

async function rejectedContainer(page) {
  await visit(page, "/containers/new");
  await page.getByLabel("Name", { exact: true }).fill("Not a name!");
  await page.getByLabel("Memory", { exact: true }).fill("lots");
  await page.getByRole("button", { name: /^Create/ }).click();
  await page.getByRole("heading", { name: "Some fields are invalid" }).waitFor();
}

async function openJob(page, title) {
  await visit(page, "/jobs");
  await page.getByRole("link", { name: title, exact: true }).click();
  await page.getByRole("heading", { level: 1, name: title }).waitFor();
  await page.getByRole("region", { name: /^Log/ }).waitFor();
}

/** Sets up a scene and fails unless the page has the expected status and a single level-1 heading with
 *  the expected text. */
export async function show(page, scene) {
  let status;
  const recordStatus = (response) => {
    if (response.request().isNavigationRequest()) status = response.status();
  };
  page.on("response", recordStatus);
  await scene.setUp(page);
  page.off("response", recordStatus);
  const headings = (await page.locator("h1").allTextContents()).map((text) => text.trim());
  const heading = headings.join(" | ");
  const { status: expectedStatus, heading: expectedHeading } = scene;
  const matches = expectedHeading instanceof RegExp ? expectedHeading.test(heading) : expectedHeading === heading;
  if (status !== expectedStatus || !matches) {
    throw new Error(`The scene ${scene.name} shows "${status}: ${heading}" and not "${expectedStatus}: ${expectedHeading}".`);
  }
  if (scene.running) await page.locator("main").getByRole("progressbar").first().waitFor();
}

/** Returns whether the job of a scene still runs. */
export async function isJobRunning(page) {
  return (await page.locator("main").getByRole("progressbar").count()) > 0;
}

/** Sets the width and theme of the page. */
export async function setView(page, width, theme) {
  await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
  await page.setViewportSize({ width, height: width < 768 ? 780 : 900 });
  // Wait for two frames: layout and paint.
  await page.evaluate(
    () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))),
  );
}
