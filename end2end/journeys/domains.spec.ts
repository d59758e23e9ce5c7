import {
  confirmDeletion,
  containerPath,
  createContainer,
  createAuthority,
  createDomain,
  createProvider,
  refusalAt,
  row,
  visit,
} from "../harness/pages";
import { expect, test } from "../harness/test";

test("a domain is created, changed and deleted", async ({ page, server, open }) => {
  await server.addUser("dora");
  const otherPage = await open(server.administrator);
  await visit(otherPage, "/domains");
  await expect(row(otherPage, "lab.example.org")).toContainText("everybody");

  await visit(page, "/domains");
  await page.getByRole("link", { name: "New domain" }).click();
  await expect(page).toHaveURL("/domains/new");
  await expect(page.getByLabel("Site", { exact: true }).locator("option:checked")).toHaveText("lab");
  await page.getByLabel("Domain", { exact: true }).fill("shop.example.net");
  await expect(page.getByLabel("People", { exact: true })).toHaveCount(0);
  await page.getByLabel("Who may publish", { exact: true }).selectOption("These people");
  await page.getByLabel("People", { exact: true }).fill("dora");
  await page.getByLabel(/^Sign-in/).fill("http://10.20.0.5:4180");
  await page.getByLabel(/^What browsers remember/).selectOption("HTTPS only, for a year");
  await expect(page.getByText("For a year, whoever has opened a page")).toBeVisible();
  await page.getByRole("button", { name: "Create shop.example.net" }).click();

  await expect(page.getByRole("heading", { level: 1, name: "shop.example.net" })).toBeVisible();
  await expect(page.getByText("max-age=31536000", { exact: true })).toBeVisible();
  // Other users see the domain without a reload.
  const listed = row(otherPage, "shop.example.net");
  for (const text of ["lab", "dora", "http://10.20.0.5:4180", "each name"]) await expect(listed).toContainText(text);

  await page.getByLabel("Who may publish", { exact: true }).selectOption("Operators only");
  await expect(page.getByLabel("People", { exact: true })).toHaveCount(0);
  await page.getByLabel("Domain", { exact: true }).fill("shop.example.org");
  await page.getByRole("button", { name: "Save the domain" }).click();
  await expect(page.getByText("Saved shop.example.org.")).toBeVisible();
  await expect(page.getByRole("heading", { level: 1, name: "shop.example.org" })).toBeVisible();
  await expect(row(otherPage, "shop.example.org")).toContainText("operators");

  await page.getByRole("button", { name: "Delete shop.example.org" }).click();
  await expect(page.getByRole("dialog")).toContainText("The way to its sign-in at http://10.20.0.5:4180");
  await confirmDeletion(page, "shop.example.org");
  await expect(page).toHaveURL("/domains");
  await expect(page.getByText("Deleted the domain shop.example.org.")).toBeVisible();
  for (const each of [page, otherPage]) await expect(row(each, "shop.example.org")).toHaveCount(0);
});

test("invalid fields of a domain show errors", async ({ page, watch }) => {
  watch.expect(422, "/api/ui/domains/create");
  await visit(page, "/domains/new");
  const name = page.getByLabel("Domain", { exact: true });
  const signIn = page.getByLabel(/^Sign-in/);
  await name.fill("*.example.net");
  await signIn.fill("login");
  await page.getByLabel("Who may publish", { exact: true }).selectOption("These people");
  await page.getByRole("button", { name: /^Create/ }).click();
  const people = page.getByLabel("People", { exact: true });
  for (const field of [name, signIn, people]) await expect(await refusalAt(field)).not.toBeEmpty();
  await expect(page).toHaveURL("/domains/new");

  // Errors from the server appear at the same fields.
  await name.fill("wrong.example.net");
  await signIn.fill("");
  await people.fill("admin, noone");
  await page.getByRole("button", { name: "Create wrong.example.net" }).click();
  await expect(await refusalAt(people)).toHaveText("The user noone does not exist.");
  await page.getByLabel("Who may publish", { exact: true }).selectOption("Everybody");
  await name.fill("lab.example.org");
  await page.getByRole("button", { name: "Create lab.example.org" }).click();
  await expect(await refusalAt(name)).toHaveText("The site already has this domain.");
});

test("the certificate source of a domain is selected, and missing requirements are shown", async ({ page }) => {
  await visit(page, "/domains/new");
  await page.getByLabel("Domain", { exact: true }).fill("proof.example.net");
  const how = page.getByLabel("How they are had", { exact: true });
  const authority = page.getByLabel("Authority", { exact: true });
  const provider = page.getByLabel("DNS provider", { exact: true });
  const addresses = page.getByLabel("Keep addresses of names there");
  await expect(page.getByText("but browsers warn of every page")).toBeVisible();
  await expect(authority).toHaveCount(0);
  await expect(addresses).toBeDisabled();
  await how.selectOption("One for each name, proved by the edge hosts (HTTP-01)");
  await expect(page.getByText("at port 80, from the internet")).toBeVisible();
  await expect(page.getByRole("link", { name: "Add an authority" })).toBeVisible();
  await page.getByRole("button", { name: "Create proof.example.net" }).click();
  await expect(await refusalAt(authority)).toHaveText("Choose the authority that gives them.");

  // Objects that are added in another tab are selectable at once, and entered values are kept.
  const otherPage = await page.context().newPage();
  await createAuthority(otherPage, "house");
  await createProvider(otherPage, "dns", "example.net");
  await expect(page.getByRole("link", { name: "Add an authority" })).toHaveCount(0);
  await authority.selectOption("house");
  await how.selectOption("One for all names (DNS-01)");
  await page.getByRole("button", { name: "Create proof.example.net" }).click();
  await expect(await refusalAt(provider)).toContainText("it answers the authority");
  await provider.selectOption("dns");
  await addresses.check();
  await expect(page.getByText("No public address of the site lab is known yet")).toBeVisible();
  await page.getByRole("button", { name: "Create proof.example.net" }).click();

  await expect(page.getByRole("heading", { level: 1, name: "proof.example.net" })).toBeVisible();
  const facts = page.locator(".facts");
  await expect(facts).toContainText("one for all names (DNS-01)");
  await expect(facts).toContainText("dns, addresses too");
  // The certificate is requested automatically and appears without a reload.
  await expect(row(page, "*.proof.example.net")).toBeVisible();
  await expect(row(page, "*.proof.example.net")).toContainText("failed");
  await visit(otherPage, "/domains");
  await expect(row(otherPage, "proof.example.net")).toContainText("1 needs somebody");
  // The dialog lists all deleted objects, and the failed certificate.
  await expect(page.getByText("Addresses that Holdfast keeps at its DNS provider are taken away there")).toBeVisible();
  await page.getByRole("button", { name: "Delete proof.example.net" }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog).toContainText("Its certificate with the key, even when somebody brought it");
  await dialog.getByRole("button", { name: "Keep proof.example.net" }).click();
  // A CA or DNS provider in use cannot be deleted.
  for (const path of ["/authorities/house", "/providers/dns"]) {
    await visit(otherPage, path);
    await expect(otherPage.getByRole("link", { name: "proof.example.net" })).toBeVisible();
    await expect(otherPage.getByText("then it can be deleted")).toBeVisible();
    await expect(otherPage.getByRole("button", { name: /^Delete/ })).toHaveCount(0);
  }

  await how.selectOption("None: edge hosts serve their own");
  await provider.selectOption("None");
  await expect(addresses).not.toBeChecked();
  await page.getByRole("button", { name: "Save the domain" }).click();
  await expect(page.getByText("Saved proof.example.net.")).toBeVisible();
  await expect(row(page, "*.proof.example.net")).toHaveCount(0);
  await expect(page.getByText("Its DNS records elsewhere stay as they are.")).toBeVisible();
  await visit(otherPage, "/domains");
  await expect(row(otherPage, "proof.example.net")).toContainText("self-signed");
});

test("an operator opens and creates domains", async ({ server, open }) => {
  const oscar = await open(await server.addUser("oscar", "operator"));
  await visit(oscar, "/containers");
  await oscar.getByRole("link", { name: "Domains", exact: true }).first().click();
  await oscar.getByRole("link", { name: "lab.example.org", exact: true }).click();
  await expect(oscar.getByRole("button", { name: "Save the domain" })).toBeEnabled();
  await createDomain(oscar, "oscar.example.net");
});

test("services are published under another domain, with options, and as SRV records", async ({ page, watch }) => {
  watch.expect(409, "/api/ui/domains/delete");
  await createDomain(page, "second.example.net");
  const domain = new URL(page.url()).pathname;
  await createContainer(page, "speaker");

  await visit(page, containerPath("speaker", "services"));
  const web = page.getByRole("group", { name: "Service 1" });
  await web.getByLabel("Domain", { exact: true }).selectOption("second.example.net");
  const options = web.getByText("How it is published");
  await options.click();
  await web.getByLabel("The program speaks").selectOption("HTTPS with any certificate");
  await web.getByLabel(/^Largest request/).fill("64");
  await web.getByLabel(/^May be quiet for/).fill("30");
  await web.getByLabel("Gather requests and answers").check();
  await page.getByRole("button", { name: "Add a port" }).click();
  const record = page.getByRole("group", { name: "Service 2" });
  await record.getByLabel("Kind").selectOption("SRV record");
  await record.getByLabel("Inner port").fill("5060");
  await record.getByLabel("Name", { exact: true }).fill("_sip._tcp");
  await page.getByRole("button", { name: "Add a port" }).click();
  const secure = page.getByRole("group", { name: "Service 3" });
  await secure.getByLabel("Inner port").fill("1883");
  await secure.getByText("How it is published").click();
  await expect(secure.getByLabel(/^Name/)).toHaveCount(0);
  await secure.getByLabel("TLS", { exact: true }).check();
  await secure.getByLabel(/^Name/).fill("mqtt");
  await secure.getByLabel("Domain", { exact: true }).selectOption("second.example.net");
  await page.getByRole("button", { name: "Change speaker" }).click();
  await expect(page.getByText("Changed speaker.")).toBeVisible();

  const services = page.locator("section").filter({ has: page.getByRole("heading", { name: "Services", exact: true }) });
  await expect(services.getByRole("link", { name: "https://speaker.second.example.net" })).toBeVisible();
  await expect(services).toContainText("Name in the network (SRV), inner port 5060");
  await expect(services).toContainText("_sip._tcp.lab.example.org");
  await expect(services).toContainText(/mqtt\.second\.example\.net:\d+\/tls/);
  await page.reload();
  await expect(services.getByRole("link", { name: "https://speaker.second.example.net" })).toBeVisible();
  await expect(web.getByLabel("Domain", { exact: true }).locator("option:checked")).toHaveText("second.example.net");
  await options.click();
  await expect(web.getByLabel("The program speaks")).toHaveValue("https");
  await expect(web.getByLabel(/^Largest request/)).toHaveValue("64");
  await expect(web.getByLabel(/^May be quiet for/)).toHaveValue("30");
  await expect(web.getByLabel("Gather requests and answers")).toBeChecked();
  await expect(record.getByLabel("Name", { exact: true })).toHaveValue("_sip._tcp");
  await expect(secure.getByLabel("TLS", { exact: true })).toBeChecked();
  await expect(secure.getByLabel(/^Name/)).toHaveValue("mqtt");

  // A domain with services cannot be deleted.
  await visit(page, domain);
  await page.getByRole("button", { name: "Delete second.example.net" }).click();
  await confirmDeletion(page, "second.example.net");
  await expect(page.getByRole("dialog")).toContainText("Services are published under this domain.");
});

test("missing address records are reported on the domain's page", async ({ page }) => {
  await visit(page, "/sites/lab");
  await page.getByLabel(/^Public address \(IPv4\)/).fill("198.51.100.7");
  await page.getByRole("button", { name: "Save the site" }).click();
  await expect(page.getByText("Saved lab.")).toBeVisible();
  await createProvider(page, "nobody", "example.net");
  await visit(page, "/domains/new");
  await page.getByLabel("Domain", { exact: true }).fill("told.example.net");
  await page.getByLabel("DNS provider", { exact: true }).selectOption("nobody");
  await page.getByLabel("Keep addresses of names there").check();
  await page.getByRole("button", { name: "Create told.example.net" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "told.example.net" })).toBeVisible();
  const wrong = page.getByRole("region", { name: "Addresses that are not as they should be" });
  await expect(wrong).toHaveCount(0);

  const otherPage = await page.context().newPage();
  await createContainer(otherPage, "teller");
  await visit(otherPage, containerPath("teller", "services"));
  const web = otherPage.getByRole("group", { name: "Service 1" });
  await web.getByLabel("Domain", { exact: true }).selectOption("told.example.net");
  await otherPage.getByRole("button", { name: "Change teller" }).click();
  await expect(otherPage.getByText("Changed teller.")).toBeVisible();
  // Shown with and without a reload.
  const trouble = wrong.getByRole("row").filter({ hasText: "teller.told.example.net" });
  for (const reload of [false, true]) {
    if (reload) await page.reload();
    for (const text of ["A 198.51.100.7", "127.0.0.1", "tried"]) await expect(trouble).toContainText(text);
  }
});
