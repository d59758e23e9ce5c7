// Every page in every state that somebody may find it in. The screenshots and the check with axe
// go through the same scenes, so that neither misses one.

import { tellWhenAlive, visit } from "./alive.mjs";
import { Agent } from "./agent.mjs";
import { pair } from "./pairs.mjs";
import { Simulator } from "./simulator.mjs";

/** The widths that pages are made for: a phone, a tablet, a desk. */
export const WIDTHS = [360, 768, 1440];
export const THEMES = ["light", "dark"];

const WIKI = "/sites/lab/containers/wiki";
const SHOP = "shop.example.net";
const WILD = "wild.example.net";
const EDGE = "/sites/lab/agents";
const MISSING = "ghcr.io/example/nothing-here:v1";

/** A scene that is an address. */
const address = (name, path, who = "administrator") => ({
  name,
  who,
  set: (page) => (who === "nobody" ? page.goto(path) : visit(page, path)),
});

/** A scene that takes more than an address. */
const scene = (name, set, who = "administrator") => ({ name, who, set });

export const SCENES = [
  address("sign-in", "/sign-in", "nobody"),
  scene("sign-in-refused", refusedSignIn, "nobody"),
  address("containers", "/containers"),
  address("containers-no-match", "/containers?q=nothing-is-called-this"),
  address("containers-empty", "/containers", "member"),
  scene("containers-selected", async (page) => {
    await visit(page, "/containers");
    await page.getByRole("checkbox", { name: "Select wiki" }).check();
    await page.getByRole("toolbar").waitFor();
  }),
  scene("containers-menu", async (page) => {
    await visit(page, "/containers");
    await page.getByRole("button", { name: "Actions for wiki" }).click();
  }),
  address("container-new", "/containers/new"),
  scene("container-new-refused", refusedContainer),
  address("container-overview", WIKI),
  address("container-services", `${WIKI}/services`),
  scene("container-services-more", async (page) => {
    await visit(page, `${WIKI}/services`);
    await page.getByRole("button", { name: "Add a port" }).click();
    const record = page.getByRole("group", { name: "Service 2" });
    await record.getByLabel("Kind").selectOption("SRV record");
    await page.getByRole("button", { name: "Add a port" }).click();
    for (const fold of await page.getByText("How it is published").all()) await fold.click();
    await page.getByRole("group", { name: "Service 3" }).getByLabel("TLS", { exact: true }).check();
  }),
  address("container-environment", `${WIKI}/environment`),
  address("container-jobs", `${WIKI}/jobs`),
  address("container-settings", `${WIKI}/settings`),
  scene("container-delete", async (page) => {
    await visit(page, `${WIKI}/settings`);
    await page.getByRole("button", { name: "Delete wiki" }).click();
    await page.getByRole("dialog").waitFor();
  }),
  address("container-failed", "/sites/lab/containers/nowhere"),
  address("jobs", "/jobs"),
  address("jobs-no-match", "/jobs?q=nothing-is-called-this"),
  address("jobs-empty", "/jobs", "member"),
  scene("job-done", (page) => job(page, "Create wiki")),
  scene("job-failed", async (page) => {
    await job(page, "Create nowhere");
    await page.getByText("In the machine's own words").click();
  }),
  address("nodes", "/nodes"),
  address("clusters", "/clusters"),
  scene("cluster-new", async (page) => {
    await visit(page, "/clusters/new");
    await cluster(page, "attic");
  }),
  scene("cluster", async (page) => {
    await visit(page, "/clusters/home");
    await page.getByText("vmbr0", { exact: true }).waitFor();
  }),
  // From here on nothing is sent to this cluster any more.
  scene("cluster-changed", async (page) => {
    await visit(page, "/clusters");
    await theirs.happen("conditions", { certificate: "renew" });
    await page.getByText("certificate changed").waitFor();
    await visit(page, "/clusters/home");
    await page.getByText("Holdfast sends nothing there any more").waitFor();
  }),
  address("sites", "/sites"),
  address("site-new", "/sites/new"),
  address("site", "/sites/lab"),
  address("domains", "/domains"),
  scene("domain-new", async (page) => {
    await visit(page, "/domains/new");
    await page.getByLabel("Domain", { exact: true }).fill("attic.example.net");
    await page.getByLabel("Who may publish", { exact: true }).selectOption("These people");
    await page.getByLabel("How they are had", { exact: true }).selectOption("One for all names (DNS-01)");
    await page.getByLabel("DNS provider", { exact: true }).selectOption("dns");
    await page.getByLabel("Keep addresses of names there").check();
  }),
  scene("domain-new-refused", async (page) => {
    await visit(page, "/domains/new");
    await page.getByLabel("Domain", { exact: true }).fill("*.example.net");
    await page.getByLabel(/^Sign-in/).fill("login");
    await page.getByRole("button", { name: /^Create/ }).click();
    await page.getByRole("heading", { name: "Some fields need other values" }).waitFor();
  }),
  scene("domain", (page) => domain(page, SHOP)),
  scene("domain-failed", (page) => domain(page, WILD)),
  scene("domain-delete", async (page) => {
    await domain(page, SHOP);
    await page.getByRole("button", { name: `Delete ${SHOP}` }).click();
    await page.getByRole("dialog").waitFor();
  }),
  address("certificates", "/certificates"),
  address("certificates-no-match", "/certificates?q=nothing-is-called-this"),
  scene("certificate-new", async (page) => {
    await visit(page, "/certificates/new");
    await page.getByLabel("Domain", { exact: true }).selectOption({ label: `${WILD} (lab)` });
  }),
  scene("certificate-new-refused", async (page) => {
    await visit(page, "/certificates/new");
    const { chain } = pair(["www.example.com"]);
    await page.getByLabel("Certificate and chain", { exact: true }).fill(chain);
    await page.getByLabel("Key", { exact: true }).fill(pair(["www.example.com"]).key);
    await page.getByRole("button", { name: "Keep the certificate" }).click();
    await page.getByRole("heading", { name: "Some fields need other values" }).waitFor();
  }),
  scene("certificate", (page) => certificate(page, `*.${SHOP}`)),
  scene("certificate-failed", async (page) => {
    await certificate(page, `*.${WILD}`);
    await page.getByRole("region", { name: "Why there is no next one" }).waitFor();
  }),
  scene("certificate-delete", async (page) => {
    await certificate(page, `*.${SHOP}`);
    await page.getByRole("button", { name: `Delete *.${SHOP}` }).click();
    await page.getByRole("dialog").waitFor();
  }),
  address("authorities", "/authorities"),
  scene("authority-new", async (page) => {
    await visit(page, "/authorities/new");
    await page.getByLabel("Authority", { exact: true }).selectOption("ZeroSSL");
    await page.getByText("Roots of your own").click();
  }),
  scene("authority-new-refused", async (page) => {
    await visit(page, "/authorities/new");
    await page.getByLabel("Authority", { exact: true }).selectOption("Another one");
    await page.getByLabel(/^Mail/).fill("admin");
    await page.getByRole("button", { name: /^Add/ }).click();
    await page.getByRole("heading", { name: "Some fields need other values" }).waitFor();
  }),
  address("authority", "/authorities/house"),
  address("providers", "/providers"),
  address("provider-new", "/providers/new"),
  scene("provider-new-acme-dns", async (page) => {
    await visit(page, "/providers/new");
    await page.getByLabel("Kind", { exact: true }).selectOption("acme-dns");
    await page.getByRole("button", { name: /^Add/ }).click();
    await page.getByRole("heading", { name: "Some fields need other values" }).waitFor();
  }),
  scene("provider", async (page) => {
    await visit(page, "/providers/dns");
    await page.getByRole("button", { name: "Try it" }).click();
    await page.getByRole("list", { name: "What was found" }).waitFor();
  }),
  address("agents", "/agents"),
  scene("agent-new", async (page) => {
    await visit(page, "/agents/new");
    await page.getByLabel("Name", { exact: true }).fill("Not a name!");
    await page.getByRole("button", { name: /^Invite/ }).click();
    await page.getByRole("heading", { name: "Some fields need other values" }).waitFor();
  }),
  scene("agent-code", async (page) => {
    await visit(page, `${EDGE}/edge-3`);
    await page.getByRole("button", { name: "Make a new code" }).click();
    await page.getByText("edge-3 has not joined yet.").waitFor();
  }),
  address("agent", `${EDGE}/edge-1`),
  address("agent-next", `${EDGE}/edge-2`),
  scene("agent-force", async (page) => {
    await visit(page, `${EDGE}/edge-2`);
    await page.getByRole("button", { name: "Begin without waiting" }).click();
    await page.getByRole("dialog").waitFor();
  }),
  address("agent-invited", `${EDGE}/edge-3`),
  address("agent-files", `${EDGE}/edge-1/files`),
  address("agent-files-none", `${EDGE}/edge-3/files`),
  address("agent-file", `${EDGE}/edge-1/files?path=dnsmasq%2Fdnsmasq.conf`),
  address("users", "/users"),
  address("user-new", "/users/new"),
  address("user", "/users/mira"),
  scene("palette", async (page) => {
    await visit(page, "/containers");
    await page.keyboard.press("Control+k");
    await page.keyboard.type("wik");
    await page.getByRole("option", { name: /wiki/ }).waitFor();
  }),
  scene("own-menu", async (page) => {
    await visit(page, "/containers");
    await page.getByRole("button", { name: /own menu$/ }).click();
  }),
  address("not-found", "/nothing"),
  address("not-allowed", "/users", "member"),
  // These make a container each, so they come last.
  scene("container-creating", (page) => ask(page, "spring", "docker.io/library/redis:7")),
  scene("job-running", async (page) => {
    await ask(page, "summer", "docker.io/library/postgres:17");
    await page.getByRole("link", { name: "Job and log" }).click();
    await page.getByRole("progressbar", { name: /^Pull the image/ }).waitFor();
  }),
];

/** A cluster of others beside the demonstration's. */
let theirs;
/** A certificate that ends in a few days. */
let expiring;
/** The site's agents that have joined. */
const agents = [];

/** Takes away what `prepare` added, so that whoever uses the server next finds it as it was. */
export async function tidy(server, browser, sessions) {
  try {
    // Before they are deleted, which ends what they hold.
    for (const agent of agents.splice(0)) await agent.stop();
    await removeTheirs(server, browser, sessions);
  } finally {
    await theirs?.stop();
  }
}

async function removeTheirs(server, browser, sessions) {
  const context = await contextOf(browser, server, sessions.administrator);
  const page = await context.newPage();
  await visit(page, "/clusters/home");
  await page.getByRole("button", { name: "Remove home" }).click();
  await confirm(page, "home");
  await page.getByRole("heading", { level: 1, name: "Clusters" }).waitFor();
  for (const name of [SHOP, WILD]) {
    await domain(page, name);
    await page.getByRole("button", { name: `Delete ${name}` }).click();
    await confirm(page, name);
    await page.getByRole("heading", { level: 1, name: "Domains" }).waitFor();
  }
  for (const [path, title] of [["/authorities/house", "Authorities"], ["/providers/dns", "DNS providers"]]) {
    await visit(page, path);
    const name = path.split("/")[2];
    await page.getByRole("button", { name: `Delete ${name}` }).click();
    await confirm(page, name);
    await page.getByRole("heading", { level: 1, name: title }).waitFor();
  }
  // The one that gives out addresses goes last.
  for (const name of ["edge-3", "edge-2", "edge-1"]) {
    await visit(page, `${EDGE}/${name}`);
    await page.getByRole("button", { name: `Delete ${name}` }).click();
    await confirm(page, name);
    await page.getByRole("heading", { level: 1, name: "Agents" }).waitFor();
  }
  await context.close();
}

/** Invites an agent; the code that is shown. */
async function invite(page, name) {
  await visit(page, "/agents/new");
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByRole("button", { name: `Invite ${name}` }).click();
  return page.locator("[data-join-code]").textContent();
}

/** Makes three agents: one with all and a service set aside, one that waits for addresses, one that
 *  has not joined. */
async function prepareAgents(page) {
  // The demonstration's own edge would take part in what these scenes show of moving addresses.
  await visit(page, `${EDGE}/demo-edge`);
  await page.getByRole("button", { name: "Delete demo-edge" }).click();
  await confirm(page, "demo-edge");
  await page.getByRole("heading", { level: 1, name: "Agents" }).waitFor();
  const one = await Agent.join(await invite(page, "edge-1"), "10.20.0.2");
  const two = await Agent.join(await invite(page, "edge-2"), "10.20.0.3");
  agents.push(one, two);
  await invite(page, "edge-3");
  await one.next();
  const service = one.given.snapshot.domains.flatMap(({ services }) => services)[0];
  const words = "nginx: [emerg] host not found in upstream in /var/lib/holdfast-agent/live/nginx/services";
  const why = "Its key is not the one of the certificate, as nginx says.";
  const unserved = [{ certificate: expiring.fingerprint, words: why }];
  await one.report("live", service ? [{ service: service.id, words }] : [], { unserved });
  await visit(page, `${EDGE}/edge-2`);
  await page.getByRole("button", { name: "Have it give out addresses" }).click();
  await page.getByText("It will give out addresses").waitFor();
  await two.next();
  two.follow();
  const conf = "# Written by Holdfast. A change made here is gone with the next one made there.\n\n# The site's network only.\ninterface=eth1\nexcept-interface=lo\nbind-interfaces\n";
  await one.live({ "dnsmasq/dnsmasq.conf": conf, "nginx/services/old.lab.example.org.conf": "server { listen 80; }\n" });
}

/** Makes an authority and a provider of DNS, neither of which answers, a domain that has its
 *  certificates from them, and certificates that somebody brought. */
async function prepareCertificates(page) {
  await visit(page, "/authorities/new");
  await page.getByLabel("Authority", { exact: true }).selectOption("Another one");
  await page.getByLabel("Directory", { exact: true }).fill("https://127.0.0.1:1/dir");
  await page.getByLabel("Name", { exact: true }).fill("house");
  await page.getByRole("button", { name: "Add house" }).click();
  await page.getByRole("heading", { level: 1, name: "house" }).waitFor();
  await visit(page, "/providers/new");
  await page.getByLabel("Kind", { exact: true }).selectOption("Name server (RFC 2136)");
  await page.getByLabel("Name", { exact: true }).fill("dns");
  await page.getByLabel("Name server", { exact: true }).fill("127.0.0.1:1");
  await page.getByLabel("Zone", { exact: true }).fill("example.net");
  await page.getByLabel("Key's name", { exact: true }).fill("holdfast");
  await page.getByLabel("Key", { exact: true }).fill("c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IQ==");
  await page.getByRole("button", { name: "Add dns" }).click();
  await page.getByRole("heading", { level: 1, name: "dns" }).waitFor();
  await visit(page, "/domains/new");
  await page.getByLabel("Domain", { exact: true }).fill(WILD);
  await page.getByLabel("How they are had", { exact: true }).selectOption("One for all names (DNS-01)");
  await page.getByLabel("DNS provider", { exact: true }).selectOption("dns");
  await page.getByRole("button", { name: `Create ${WILD}` }).click();
  await page.getByRole("heading", { level: 1, name: WILD }).waitFor();
  expiring = pair([`*.${SHOP}`, SHOP], { since: 100, days: 5 });
  await bring(page, expiring);
  await bring(page, pair([`www.${SHOP}`, `docs.${SHOP}`]));
}

/** Brings a certificate for names under the shop's domain. */
async function bring(page, { chain, key }) {
  await visit(page, "/certificates/new");
  await page.getByLabel("Domain", { exact: true }).selectOption({ label: `${SHOP} (lab)` });
  await page.getByLabel("Certificate and chain", { exact: true }).fill(chain);
  await page.getByLabel("Key", { exact: true }).fill(key);
  await page.getByRole("button", { name: "Keep the certificate" }).click();
  await page.getByRole("heading", { name: "History" }).waitFor();
}

/** Goes to a certificate's page. */
async function certificate(page, name) {
  await visit(page, "/certificates");
  await page.getByRole("row").getByRole("link", { name, exact: true }).click();
  await page.getByRole("heading", { level: 1, name, exact: true }).waitFor();
}

/** Answers the dialog that stands before a deletion. */
async function confirm(page, name) {
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("textbox").fill(name);
  await dialog.getByRole("button", { name: `Delete ${name}` }).click();
}

/** Fills the form of a cluster in, the certificate compared. */
async function cluster(page, name) {
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Address of a node").fill(theirs.url);
  await page.getByLabel("User or token").fill("root@pam");
  await page.getByLabel("Secret").fill(theirs.password);
  await page.getByRole("button", { name: "Look at the certificate" }).click();
  await page.getByLabel("I compared it: it is the same").check();
}

/** Goes to a domain's page. */
async function domain(page, name) {
  await visit(page, "/domains");
  await page.getByRole("link", { name, exact: true }).click();
  await page.getByRole("heading", { level: 1, name }).waitFor();
}

async function refusedSignIn(page) {
  await page.goto("/sign-in");
  await page.getByLabel("Name").fill("somebody");
  await page.getByLabel("Password").fill("a guess");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").waitFor();
}

async function refusedContainer(page) {
  await visit(page, "/containers/new");
  await page.getByLabel("Name", { exact: true }).fill("Not a name!");
  await page.getByLabel("Memory", { exact: true }).fill("lots");
  await page.getByRole("button", { name: /^Create/ }).click();
  await page.getByRole("heading", { name: "Some fields need other values" }).waitFor();
}

async function job(page, title) {
  await visit(page, "/jobs");
  await page.getByRole("link", { name: title, exact: true }).click();
  await page.getByRole("heading", { level: 1, name: title }).waitFor();
  await page.getByRole("region", { name: /^Log/ }).waitFor();
}

async function ask(page, name, image) {
  await visit(page, "/containers/new");
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Template or image").fill(image);
  await page.getByRole("button", { name: `Create ${name}` }).click();
  await page.getByRole("heading", { level: 1, name }).waitFor();
}

/** Makes what the scenes show, and gives the sessions of those who look. */
export async function prepare(server, browser) {
  const sessions = {
    nobody: undefined,
    administrator: await server.signIn(server.administrator),
    member: await server.signIn(await server.addUser("mira")),
  };
  const context = await contextOf(browser, server, sessions.administrator);
  const page = await context.newPage();
  theirs = await Simulator.start();
  await visit(page, "/clusters/new");
  await cluster(page, "home");
  await page.getByRole("button", { name: "Add home" }).click();
  await page.getByRole("heading", { level: 1, name: "home" }).waitFor();
  await visit(page, "/domains/new");
  await page.getByLabel("Domain", { exact: true }).fill(SHOP);
  await page.getByLabel("Who may publish", { exact: true }).selectOption("These people");
  await page.getByLabel("People", { exact: true }).fill("admin mira");
  await page.getByLabel(/^Sign-in/).fill("https://login.example.net");
  await page.getByLabel(/^What browsers remember/).selectOption("below");
  await page.getByRole("button", { name: `Create ${SHOP}` }).click();
  await page.getByRole("heading", { level: 1, name: SHOP }).waitFor();
  await prepareCertificates(page);
  await ask(page, "nowhere", MISSING);
  await page.getByText("See what happened").waitFor();
  await visit(page, "/containers");
  // The demonstration's own containers are made at the first start.
  for (const name of ["db", "shell", "wiki"]) {
    const row = page.getByRole("row").filter({ has: page.getByRole("link", { name, exact: true }) });
    await row.getByText("running", { exact: true }).waitFor({ timeout: 60_000 });
  }
  await prepareAgents(page);
  await context.close();
  return sessions;
}

/** A browser of its own for somebody. */
export async function contextOf(browser, server, storageState) {
  const context = await browser.newContext({
    baseURL: server.url,
    storageState,
    locale: "en-GB",
    timezoneId: "UTC",
    reducedMotion: "reduce",
    viewport: { width: 1440, height: 900 },
  });
  await tellWhenAlive(context);
  return context;
}

/** Shows the page in a width and a theme. */
export async function dress(page, width, theme) {
  await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
  await page.setViewportSize({ width, height: width < 768 ? 780 : 900 });
  // Two frames: one to lay out, one to paint.
  await page.evaluate(
    () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))),
  );
}
